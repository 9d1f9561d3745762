//! May they?
