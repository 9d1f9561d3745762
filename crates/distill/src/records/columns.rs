//! Nested lists as Parquet has them: values with definition and repetition levels.

use parquet::column::reader::{ColumnReader, get_typed_column_reader};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::RowGroupReader;

/// The columns of our files. Elements are required: there are no nulls but in `text` and `receipt`.
pub(super) const SCHEMA: &str = "message records {
  required binary id (STRING);
  required binary source (STRING);
  required int64 prompt_len;
  required group input_ids (LIST) { repeated group list { required int64 element (INTEGER(64,false)); } }
  required group token_ids (LIST) { repeated group list {
    required group element (LIST) { repeated group list { required int64 element; } } } }
  required group top_values (LIST) { repeated group list {
    required group element (LIST) { repeated group list { required float element; } } } }
  required group tail_logmass (LIST) { repeated group list { required float element; } }
  optional binary text (STRING);
  optional binary receipt (STRING);
}";

/// The columns that DistillKit reads, and nothing else: its collator takes every column for a tensor.
pub(super) const DISTILLKIT_SCHEMA: &str = "message records {
  required group input_ids (LIST) { repeated group list { required int64 element (INTEGER(64,false)); } }
  required group token_ids (LIST) { repeated group list {
    required group element (LIST) { repeated group list { required int64 element; } } } }
  required group top_values (LIST) { repeated group list {
    required group element (LIST) { repeated group list { required float element; } } } }
}";

/// A column chunk: its values and, where it is nested or optional, its levels.
#[derive(Debug)]
pub(super) struct Column<T> {
    pub(super) values: Vec<T>,
    pub(super) definition: Vec<i16>,
    pub(super) repetition: Vec<i16>,
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self { values: Vec::new(), definition: Vec::new(), repetition: Vec::new() }
    }
}

impl<T> Column<T> {
    /// Adds one row of a flat column.
    pub(super) fn push_value(&mut self, value: T) {
        self.values.push(value);
    }

    /// Adds one row of an optional column.
    pub(super) fn push_option(&mut self, value: Option<T>) {
        self.definition.push(i16::from(value.is_some()));
        self.values.extend(value);
    }

    /// Adds one row of a list column.
    pub(super) fn push_list(&mut self, row: impl IntoIterator<Item = T>) {
        let before = self.values.len();
        for value in row {
            self.repetition.push(i16::from(self.values.len() > before));
            self.definition.push(1);
            self.values.push(value);
        }
        if self.values.len() == before {
            self.repetition.push(0);
            self.definition.push(0);
        }
    }

    /// Adds one row of a column of lists of lists.
    pub(super) fn push_lists<I: IntoIterator<Item = T>>(&mut self, row: impl IntoIterator<Item = I>) {
        let mut outer = 0;
        for inner in row {
            let before = self.values.len();
            for value in inner {
                self.repetition.push(if self.values.len() > before { 2 } else { outer });
                self.definition.push(2);
                self.values.push(value);
            }
            if self.values.len() == before {
                self.repetition.push(outer);
                self.definition.push(1);
            }
            outer = 1;
        }
        if outer == 0 {
            self.repetition.push(0);
            self.definition.push(0);
        }
    }

    /// Values of each row of a list column. `depth` is the definition level of a value that is there.
    pub(super) fn into_lists(self, depth: i16) -> Vec<Vec<T>> {
        let mut rows: Vec<Vec<T>> = Vec::new();
        let mut values = self.values.into_iter();
        for (definition, repetition) in self.definition.iter().zip(&self.repetition) {
            if *repetition == 0 || rows.is_empty() {
                rows.push(Vec::new());
            }
            if *definition == depth
                && let (Some(row), Some(value)) = (rows.last_mut(), values.next())
            {
                row.push(value);
            }
        }
        rows
    }

    /// Values of each inner list of each row of a column of lists of lists. `depth` as above; an inner list that is empty
    /// has `depth - inner`, whatever is less has no inner list.
    pub(super) fn into_nested(self, depth: i16, inner: i16) -> Vec<Vec<Vec<T>>> {
        let mut rows: Vec<Vec<Vec<T>>> = Vec::new();
        let mut values = self.values.into_iter();
        for (definition, repetition) in self.definition.iter().zip(&self.repetition) {
            if *repetition == 0 || rows.is_empty() {
                rows.push(Vec::new());
            }
            let Some(row) = rows.last_mut() else { continue };
            if *definition >= depth - inner && (*repetition < 2 || row.is_empty()) {
                row.push(Vec::new());
            }
            if *definition == depth
                && let (Some(list), Some(value)) = (row.last_mut(), values.next())
            {
                list.push(value);
            }
        }
        rows
    }
}

/// Reads the column called `path` of a row group whole; nothing where there is none.
pub(super) fn read_column<T: DataType>(
    group: &dyn RowGroupReader,
    path: &str,
) -> Result<Option<(Column<T::T>, i16)>> {
    let schema = group.metadata().schema_descr();
    let named = |idx: &usize| schema.column(*idx).path().string() == path;
    let Some(idx) = (0..schema.num_columns()).find(named) else { return Ok(None) };
    let description = schema.column(idx);
    if description.physical_type() != T::get_physical_type() {
        return Err(ParquetError::General(format!("column `{path}` is of another type")));
    }
    let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    let reader: ColumnReader = group.get_column_reader(idx)?;
    let mut reader = get_typed_column_reader::<T>(reader);
    let mut column = Column::default();
    let mut read = 0;
    while read < rows {
        let (definition, repetition) = (&mut column.definition, &mut column.repetition);
        let definition = (description.max_def_level() > 0).then_some(definition);
        let repetition = (description.max_rep_level() > 0).then_some(repetition);
        let (records, _, _) = reader.read_records(rows - read, definition, repetition, &mut column.values)?;
        if records == 0 {
            return Err(ParquetError::General(format!("column `{path}` ends after {read} of {rows} rows")));
        }
        read += records;
    }
    Ok(Some((column, description.max_def_level())))
}
