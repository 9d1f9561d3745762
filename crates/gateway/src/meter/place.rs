//! Where a request comes from, as limits count it.

use std::net::IpAddr;

/// The network of an address, as its holder would get it: /24 of IPv4, /48 of IPv6.
pub(super) fn network_of(from: IpAddr) -> u128 {
    match single(from) {
        v4 if v4 < 1 << 32 => v4 & !0xff,
        v6 => v6 & !((1 << 80) - 1),
    }
}

/// An address as a number. Of IPv6 a client has at least a /64, of which it may use any.
pub(super) fn single(from: IpAddr) -> u128 {
    match from.to_canonical() {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6) & !u128::from(u64::MAX),
    }
}
