//! Matrix products `C = A B` and `C += A B`, f32 in and out, computed in f32 or from operands rounded to bf16.
//!
//! The shape is BLIS's (Van Zee & van de Geijn 2015): both operands are copied into narrow panels in the order in which the
//! inner kernel reads them, and a register tile of C is summed over a block of K. A *lane* is 32 bits of a panel:
//! one f32, or two bf16 neighbors in K, which the processor's bf16 dot product eats whole; so one structure
//! serves both. Rounding to bf16 is to nearest even; sums are kept in f32.

mod kernel;
mod pack;
mod pool;

mod left;
mod packed;

mod tiles;

pub use packed::Packed;
pub use tiles::{gemm, gemm_on, gemm_packed, gemm_serial};

/// What the operands of a product are rounded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Nothing: f32 throughout.
    F32,
    /// bf16 operands, f32 sums. Where the processor has no bf16 dot product the operands are rounded just so and f32 is
    /// used.
    Bf16,
}

/// Whether a product replaces what C holds or is added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// `C = A B`.
    Overwrite,
    /// `C += A B`.
    Add,
}
