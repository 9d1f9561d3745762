//! Finding tampering in a log.
