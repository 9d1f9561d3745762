//! Views of matrices in slices: a shape and two strides, nothing owned.

use std::marker::PhantomData;
use std::ops::Range;

/// A read-only matrix of f32 with any strides.
#[derive(Clone, Copy, Debug)]
pub struct MatRef<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> MatRef<'a> {
    /// A matrix stored row after row.
    ///
    /// # Panics
    /// When the slice is not `rows * cols` long.
    pub fn row_major(data: &'a [f32], rows: usize, cols: usize) -> Self {
        assert_eq!(data.len(), rows * cols, "a row-major matrix fills its slice");
        Self { data, rows, cols, row_stride: cols, col_stride: 1 }
    }

    /// A block of columns of a matrix stored row after row with `row_stride` floats a row.
    ///
    /// # Panics
    /// When the block does not lie inside the slice.
    pub fn columns(data: &'a [f32], rows: usize, row_stride: usize, cols: Range<usize>) -> Self {
        assert!(cols.end <= row_stride && rows * row_stride <= data.len(), "the block lies inside");
        let n_cols = cols.len();
        Self { data: &data[cols.start.min(data.len())..], rows, cols: n_cols, row_stride, col_stride: 1 }
    }

    /// The same matrix with rows and columns exchanged.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }

    /// A range of rows.
    ///
    /// # Panics
    /// When the range goes past the last row.
    #[must_use]
    pub fn row_range(self, rows: Range<usize>) -> Self {
        assert!(rows.start <= rows.end && rows.end <= self.rows, "the rows lie inside");
        let n_rows = rows.len();
        let start = (rows.start * self.row_stride).min(self.data.len());
        Self { data: &self.data[start..], rows: n_rows, ..self }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Distance in floats between two rows.
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// Distance in floats between two columns.
    pub fn col_stride(&self) -> usize {
        self.col_stride
    }

    /// One element.
    ///
    /// # Panics
    /// When it lies outside.
    pub fn at(&self, row: usize, col: usize) -> f32 {
        assert!(row < self.rows && col < self.cols, "the element lies inside");
        self.data[row * self.row_stride + col * self.col_stride]
    }

    pub(crate) fn as_ptr(&self) -> *const f32 {
        self.data.as_ptr()
    }
}

/// A matrix to be written, rows `row_stride` floats apart, columns side by side.
#[derive(Debug)]
pub struct MatMut<'a> {
    ptr: *mut f32,
    rows: usize,
    cols: usize,
    row_stride: usize,
    life: PhantomData<&'a mut [f32]>,
}

// SAFETY: a `MatMut` is a unique borrow of its elements, like the slice it was made of.
unsafe impl Send for MatMut<'_> {}

impl<'a> MatMut<'a> {
    /// A matrix stored row after row.
    ///
    /// # Panics
    /// When the slice is not `rows * cols` long.
    pub fn row_major(data: &'a mut [f32], rows: usize, cols: usize) -> Self {
        assert_eq!(data.len(), rows * cols, "a row-major matrix fills its slice");
        Self { ptr: data.as_mut_ptr(), rows, cols, row_stride: cols, life: PhantomData }
    }

    /// A block of columns of a matrix stored row after row with `row_stride` floats a row.
    ///
    /// # Panics
    /// When the block does not lie inside the slice.
    pub fn columns(data: &'a mut [f32], rows: usize, row_stride: usize, cols: Range<usize>) -> Self {
        assert!(cols.end <= row_stride && rows * row_stride <= data.len(), "the block lies inside");
        let n_cols = cols.len();
        let start = cols.start.min(data.len());
        Self { ptr: data[start..].as_mut_ptr(), rows, cols: n_cols, row_stride, life: PhantomData }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    pub(crate) fn row_stride(&self) -> usize {
        self.row_stride
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.ptr
    }

    /// A matrix at a raw address.
    ///
    /// # Safety
    /// The elements must be valid for `'a`, and nobody else may touch them meanwhile.
    pub(crate) unsafe fn from_raw(ptr: *mut f32, rows: usize, cols: usize, row_stride: usize) -> Self {
        Self { ptr, rows, cols, row_stride, life: PhantomData }
    }
}
