//! How does a student learn lawfully?
