//! Reading little-endian numbers and strings from bytes that may end too soon.

#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        if self.remaining() < length {
            return Err(format!("ends at byte {} where {length} more were expected", self.bytes.len()));
        }
        let taken = &self.bytes[self.position..self.position + length];
        self.position += length;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A number of things, each of which takes at least `least_bytes`.
    pub(super) fn count(&mut self, least_bytes: usize, what: &str) -> Result<usize, String> {
        let count = self.u64()?;
        if ((self.remaining() / least_bytes) as u64) < count {
            return Err(format!("claims {count} {what}, more than its {} bytes can hold", self.bytes.len()));
        }
        Ok(count as usize)
    }

    pub(super) fn string(&mut self, what: &str) -> Result<String, String> {
        let length = self.u64()?;
        let at = self.position;
        let Ok(length) = usize::try_from(length) else {
            return Err(format!("{what} at byte {at} claims {length} bytes"));
        };
        let bytes = self.take(length).map_err(|_| format!("{what} at byte {at} claims {length} bytes"))?;
        let text = std::str::from_utf8(bytes);
        text.map(str::to_owned).map_err(|_| format!("{what} at byte {at} is not UTF-8"))
    }
}
