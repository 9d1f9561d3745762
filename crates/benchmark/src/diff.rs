//! What became of every row of a benchmark between two copies.
