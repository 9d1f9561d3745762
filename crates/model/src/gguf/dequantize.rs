//! Encodings of numbers in blocks, widened to f32 in ggml's order of operations, so that the results are the same bits.

use half::{bf16, f16};

/// How a tensor's numbers are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of single precision.
    Bf16,
    /// 32 of 4 bits about zero, one scale.
    Q4_0,
    /// 32 of 4 bits, scale and least value.
    Q4_1,
    /// 32 of 5 bits about zero, one scale.
    Q5_0,
    /// 32 of 5 bits, scale and least value.
    Q5_1,
    /// 32 of 8 bits, one scale.
    Q8_0,
    /// 256 of 4 bits in eight groups with 6-bit scales and least values.
    Q4K,
    /// 256 of 5 bits in eight groups with 6-bit scales and least values.
    Q5K,
    /// 256 of 6 bits in sixteen groups with 8-bit scales.
    Q6K,
}

/// ggml's names of encodings that are not supported.
const UNSUPPORTED: &[(u32, &str)] = &[
    (9, "Q8_1"),
    (10, "Q2_K"),
    (11, "Q3_K"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (20, "IQ4_NL"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (23, "IQ4_XS"),
    (24, "I8"),
    (25, "I16"),
    (26, "I32"),
    (27, "I64"),
    (28, "F64"),
    (29, "IQ1_M"),
    (34, "TQ1_0"),
    (35, "TQ2_0"),
    (39, "MXFP4"),
    (40, "NVFP4"),
];

impl Kind {
    /// Every supported encoding with ggml's code and name.
    pub const ALL: [(Self, u32, &'static str); 11] = [
        (Self::F32, 0, "F32"),
        (Self::F16, 1, "F16"),
        (Self::Q4_0, 2, "Q4_0"),
        (Self::Q4_1, 3, "Q4_1"),
        (Self::Q5_0, 6, "Q5_0"),
        (Self::Q5_1, 7, "Q5_1"),
        (Self::Q8_0, 8, "Q8_0"),
        (Self::Q4K, 12, "Q4_K"),
        (Self::Q5K, 13, "Q5_K"),
        (Self::Q6K, 14, "Q6_K"),
        (Self::Bf16, 30, "BF16"),
    ];

    /// The encoding of ggml's `code`, if it is supported.
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.iter().find(|entry| entry.1 == code).map(|entry| entry.0)
    }

    /// ggml's code.
    pub fn code(self) -> u32 {
        Self::ALL.iter().find(|entry| entry.0 == self).map_or(u32::MAX, |entry| entry.1)
    }

    /// ggml's name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|entry| entry.0 == self).map_or("", |entry| entry.2)
    }

    /// What to call a `code` that is not supported.
    pub(super) fn describe(code: u32) -> String {
        let known = UNSUPPORTED.iter().find(|entry| entry.0 == code);
        known.map_or_else(|| format!("number {code}"), |entry| format!("`{}`", entry.1))
    }

    /// Numbers in a block.
    pub fn block_len(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Q4K | Self::Q5K | Self::Q6K => 256,
        }
    }

    /// Bytes of a block.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q4K => 144,
            Self::Q5K => 176,
            Self::Q6K => 210,
        }
    }

    /// Widens whole blocks; bytes of a block that is not whole are left out.
    pub fn dequantize(self, bytes: &[u8]) -> Vec<f32> {
        let n_blocks = bytes.len() / self.block_bytes();
        let mut out = vec![0.0; n_blocks * self.block_len()];
        let blocks = bytes.chunks_exact(self.block_bytes()).zip(out.chunks_exact_mut(self.block_len()));
        let decode = match self {
            Self::F32 => |block: &[u8], out: &mut [f32]| {
                out[0] = f32::from_le_bytes([block[0], block[1], block[2], block[3]]);
            },
            Self::F16 => |block: &[u8], out: &mut [f32]| out[0] = half_at(block, 0),
            Self::Bf16 => {
                |block: &[u8], out: &mut [f32]| out[0] = bf16::from_le_bytes([block[0], block[1]]).to_f32()
            }
            Self::Q4_0 => q4_0,
            Self::Q4_1 => q4_1,
            Self::Q5_0 => q5_0,
            Self::Q5_1 => q5_1,
            Self::Q8_0 => q8_0,
            Self::Q4K => q4_k,
            Self::Q5K => q5_k,
            Self::Q6K => q6_k,
        };
        blocks.for_each(|(block, out)| decode(block, out));
        out
    }
}

fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

fn q4_0(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    for (j, byte) in block[2..18].iter().enumerate() {
        out[j] = f32::from(i16::from(byte & 15) - 8) * d;
        out[j + 16] = f32::from(i16::from(byte >> 4) - 8) * d;
    }
}

fn q4_1(block: &[u8], out: &mut [f32]) {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    for (j, byte) in block[4..20].iter().enumerate() {
        out[j] = f32::from(byte & 15) * d + m;
        out[j + 16] = f32::from(byte >> 4) * d + m;
    }
}

/// The fifth bit of the numbers `j` and `j + 16`, where it belongs.
fn fifth_bits(bits: u32, j: usize) -> (u8, u8) {
    ((((bits >> j) & 1) << 4) as u8, (((bits >> (j + 16)) & 1) << 4) as u8)
}

fn q5_0(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    let bits = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
    for (j, byte) in block[6..22].iter().enumerate() {
        let (low, high) = fifth_bits(bits, j);
        out[j] = f32::from(i16::from((byte & 15) | low) - 16) * d;
        out[j + 16] = f32::from(i16::from((byte >> 4) | high) - 16) * d;
    }
}

fn q5_1(block: &[u8], out: &mut [f32]) {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    let bits = u32::from_le_bytes([block[4], block[5], block[6], block[7]]);
    for (j, byte) in block[8..24].iter().enumerate() {
        let (low, high) = fifth_bits(bits, j);
        out[j] = f32::from((byte & 15) | low) * d + m;
        out[j + 16] = f32::from((byte >> 4) | high) * d + m;
    }
}

fn q8_0(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    for (out, byte) in out.iter_mut().zip(&block[2..34]) {
        *out = f32::from(byte.cast_signed()) * d;
    }
}

/// The 6-bit scale and least value of one of eight groups, packed in twelve bytes.
fn scale_and_min(packed: &[u8], group: usize) -> (f32, f32) {
    let (scale, min) = if group < 4 {
        (packed[group] & 63, packed[group + 4] & 63)
    } else {
        (
            (packed[group + 4] & 15) | ((packed[group - 4] >> 6) << 4),
            (packed[group + 4] >> 4) | ((packed[group] >> 6) << 4),
        )
    };
    (f32::from(scale), f32::from(min))
}

fn q4_k(block: &[u8], out: &mut [f32]) {
    let (d, dmin) = (half_at(block, 0), half_at(block, 2));
    let (scales, quants) = (&block[4..16], &block[16..144]);
    for group in 0..8 {
        let (scale, min) = scale_and_min(scales, group);
        let (d, m) = (d * scale, dmin * min);
        let bytes = &quants[group / 2 * 32..][..32];
        let shift = group % 2 * 4;
        for (out, byte) in out[group * 32..][..32].iter_mut().zip(bytes) {
            *out = d * f32::from((byte >> shift) & 15) - m;
        }
    }
}

fn q5_k(block: &[u8], out: &mut [f32]) {
    let (d, dmin) = (half_at(block, 0), half_at(block, 2));
    let (scales, high, quants) = (&block[4..16], &block[16..48], &block[48..176]);
    for group in 0..8 {
        let (scale, min) = scale_and_min(scales, group);
        let (d, m) = (d * scale, dmin * min);
        let bytes = quants[group / 2 * 32..][..32].iter().zip(high);
        let shift = group % 2 * 4;
        for (out, (byte, high)) in out[group * 32..][..32].iter_mut().zip(bytes) {
            let fifth = ((high >> group) & 1) << 4;
            *out = d * f32::from(((byte >> shift) & 15) | fifth) - m;
        }
    }
}

fn q6_k(block: &[u8], out: &mut [f32]) {
    let (low, high, scales) = (&block[..128], &block[128..192], &block[192..208]);
    let d = half_at(block, 208);
    for (idx, out) in out.iter_mut().enumerate() {
        // Halves of 128, each of four rows of 32: rows 0 and 1 in the low nibbles, 2 and 3 in the high ones.
        let (half, row, l) = (idx / 128, idx % 128 / 32, idx % 32);
        let nibble = (low[half * 64 + row % 2 * 32 + l] >> (row / 2 * 4)) & 15;
        let upper = (high[half * 32 + l] >> (row * 2)) & 3;
        let quant = i16::from(nibble | (upper << 4)) - 32;
        *out = d * f32::from(scales[idx / 16].cast_signed()) * f32::from(quant);
    }
}
