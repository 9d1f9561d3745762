//! The natural logarithm, in plain arithmetic without branches, so that loops over it vectorize.

use std::f64::consts::LN_2;

/// ln 2, its lower 32 bits cleared so that its product with an exponent is exact, and what that took.
const LN_2_HIGH: f64 = f64::from_bits(LN_2.to_bits() & 0xFFFF_FFFF_0000_0000);
const LN_2_LOW: f64 = 4.749_325_039_031_672_6e-7;

/// The natural logarithm of a positive normal number, to within 1 unit in the last place and a fraction, near 1 too.
///
/// x = 2^k m with m in \[√½, √2), s = f/(2+f) with f = m - 1, and ln m = 2 atanh s by a polynomial in s² that interpolates at
/// the Chebyshev nodes. For zero, negative, subnormal or non-finite arguments the answer is without meaning.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    /// The bits of √½.
    const ROOT: u64 = 0x3FE6_A09E_667F_3BCD;
    const ONE: u64 = 0x3FF0_0000_0000_0000;
    /// 2^52 and its bits: adding it turns a small whole number into a float without a conversion.
    const MAGIC: f64 = 4_503_599_627_370_496.0;
    const MAGIC_BITS: u64 = MAGIC.to_bits();
    let shifted = x.to_bits().wrapping_add(ONE - ROOT);
    let exponent = shifted >> 52;
    let k = f64::from_bits(MAGIC_BITS | exponent) - (MAGIC + 1023.0);
    let m = f64::from_bits(x.to_bits().wrapping_add(ONE).wrapping_sub(exponent << 52));
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let mut p = 0.146_164_496_850_434_06;
    p = p * z + 0.153_317_216_005_560_41;
    p = p * z + 0.181_828_891_252_617_2;
    p = p * z + 0.222_222_111_347_950_8;
    p = p * z + 0.285_714_286_259_754_85;
    p = p * z + 0.399_999_999_998_995_05;
    p = p * z + 0.666_666_666_666_667;
    // 2 atanh s = 2s + s z p and 2s = f - s f: what is rounded is small beside f.
    k * LN_2_HIGH + (f - (s * (f - z * p) - k * LN_2_LOW))
}

/// As [`ln`], in f32, to within 2 units in the last place.
#[inline(always)]
pub fn ln_f32(x: f32) -> f32 {
    /// The bits of √½.
    const ROOT: u32 = 0x3F35_04F3;
    const ONE: u32 = 0x3F80_0000;
    const LN_2_HIGH: f32 = 0.693_145_75;
    const LN_2_LOW: f32 = 1.428_606_8e-6;
    const MAGIC: f32 = 8_388_608.0;
    let shifted = x.to_bits().wrapping_add(ONE - ROOT);
    let exponent = shifted >> 23;
    let k = f32::from_bits(MAGIC.to_bits() | exponent) - (MAGIC + 127.0);
    let m = f32::from_bits(x.to_bits().wrapping_add(ONE).wrapping_sub(exponent << 23));
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let mut p = 0.233_304_67_f32;
    p = p * z + 0.285_508_2;
    p = p * z + 0.400_001_22;
    p = p * z + 0.666_666_7;
    k * LN_2_HIGH + (f - (s * (f - z * p) - k * LN_2_LOW))
}
