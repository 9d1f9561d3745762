//! A place in JSON text: what its readers have in common, whatever they make of it.

/// A text, and the byte that comes next.
pub(crate) struct Cursor<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: usize,
}

impl Cursor<'_> {
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over white space.
    #[inline]
    pub(crate) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Steps over the end of a list or object, where it comes next.
    #[inline]
    pub(crate) fn closes(&mut self, close: u8) -> bool {
        self.space();
        let closes = self.peek() == Some(close);
        self.at += usize::from(closes);
        closes
    }

    /// Steps over a comma (`true`) or the end; where neither comes next, gives what does.
    #[inline]
    pub(crate) fn goes_on(&mut self, close: u8) -> Result<bool, Option<u8>> {
        self.space();
        let found = self.peek();
        if found != Some(b',') && found != Some(close) {
            return Err(found);
        }
        self.at += 1;
        Ok(found == Some(b','))
    }
}
