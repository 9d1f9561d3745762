//! Files that were packed after they were written: gzip, bzip2, Zstandard.

use std::io::{self, Read};

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// One or several members of gzip (RFC 1952).
    Gzip,
    /// One or several streams of bzip2.
    Bzip2,
    /// Frames of Zstandard (RFC 8878).
    Zstandard,
}

impl Packing {
    /// How some bytes are packed, as far as the first of them tell.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Some(Self::Bzip2),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstandard),
            _ => None,
        }
    }

    /// What is inside, as it is read.
    ///
    /// # Errors
    /// Where no room can be made for it; what is malformed is told when it is read.
    pub fn reader<'r>(self, packed: impl Read + Send + 'r) -> io::Result<Box<dyn Read + Send + 'r>> {
        Ok(match self {
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(packed)),
            Self::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(packed)),
            Self::Zstandard => Box::new(zstd::Decoder::new(packed)?),
        })
    }

    /// What is inside, and no more than one byte above `most` of it.
    pub(crate) fn unpack(self, packed: &[u8], most: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        self.reader(packed)?.take(most + 1).read_to_end(&mut out)?;
        Ok(out)
    }
}
