//! How is it made undeniable?
