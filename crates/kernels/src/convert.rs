//! Conversions between f32, f16 and bf16.

use half::{bf16, f16};

use crate::isa::dispatched;

/// Rounds to the nearest bf16 (ties to even) and back; NaN stays NaN.
#[inline]
pub fn round_bf16(x: f32) -> f32 {
    f32::from_bits(u32::from(bf16_bits(x)) << 16)
}

/// The bits of the nearest bf16 (ties to even); NaN stays NaN.
#[inline]
pub fn bf16_bits(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    let quiet = (bits >> 16) | 0x40;
    (if x.is_nan() { quiet } else { rounded }) as u16
}

dispatched! {
    /// Widens bf16 into f32, exactly.
    pub fn widen_bf16(from: &[bf16], into: &mut [f32]) {
        for (to, from) in into.iter_mut().zip(from) {
            *to = f32::from_bits(u32::from(from.to_bits()) << 16);
        }
    }
}

dispatched! {
    /// Rounds f32 to the nearest bf16, ties to even.
    pub fn narrow_bf16(from: &[f32], into: &mut [bf16]) {
        for (to, from) in into.iter_mut().zip(from) {
            *to = bf16::from_bits(bf16_bits(*from));
        }
    }
}

/// Widens f16 into f32, exactly.
pub fn widen_f16(from: &[f16], into: &mut [f32]) {
    for (to, from) in into.iter_mut().zip(from) {
        *to = from.to_f32();
    }
}
