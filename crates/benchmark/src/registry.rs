//! The public benchmarks, known by their digests.
