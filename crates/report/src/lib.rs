//! How do people read it?
