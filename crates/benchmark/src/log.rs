//! What harnesses leave behind, in one form.
