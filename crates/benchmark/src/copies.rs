//! Benchmarks as they lie about: JSON Lines, CSV, Parquet, one file a subset.
