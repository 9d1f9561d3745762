//! What is claimed, by whom?
