//! Library examples.
