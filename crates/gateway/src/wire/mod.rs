//! What goes over the wire: how requests are framed, read and answered.

pub mod framing;
pub mod json;
pub mod reply;
pub mod request;
pub mod sse;
