//! How are the numbers crunched fast?
//!
//! Matrix products, attention, norms, rotary positions, activations, the optimizer's update and the draws of public
//! watermarks, each for the instruction set that the machine turns out to have at run time ([`isa::Isa`]): AVX-512 (with
//! bf16 dot products where the processor has them), AVX2, or portable Rust. Every path has a plain reference beside it and
//! a test that compares the two. This is the only room of the house that holds `unsafe`: SIMD, disjoint writes from
//! several threads, and file mapping.
//!
//! **Determinism.** Work is cut into tiles by the shape of the problem alone, each tile is computed by one thread in one
//! order, and partial sums are added in a fixed order. So results are the same bits for any number of threads, on one
//! instruction set.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod isa;

pub mod matrix;

pub mod activation;
pub mod adamw;
pub mod attention;
pub mod attention_cached;
pub mod attention_tree;
pub mod convert;
pub mod fused;
pub mod gemm;
pub mod log;
pub mod map;
pub mod norm;
pub mod peak;
pub mod philox;
pub mod rope;
pub mod shuffle;
pub mod softmax;
pub mod top;
pub mod tournament;

mod parallel;
