//! Who may ask: API keys, kept as hashes, and the tenants they belong to.

mod secret;
mod store;

pub use secret::{Malformed, Pepper, Presented, Secret};
pub use store::{Key, Limits, NewKey, Ring, Store, StoreError};
