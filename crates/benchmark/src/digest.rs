//! The digests that pin a benchmark.
