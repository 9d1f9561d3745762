//! What a bare number can and cannot be.
