//! Committing to hidden items, and revealing them.
