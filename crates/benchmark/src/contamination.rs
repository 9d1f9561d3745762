//! Has the model seen the questions?
