//! What of a configuration is read at the start alone.

use super::Config;

impl Config {
    /// The words that another configuration says otherwise and that change at the next start.
    pub fn bound_to_start(&self, other: &Self) -> Vec<&'static str> {
        let (own, new) = (&self.server, &other.server);
        let all = [
            ("server.listen", own.listen == new.listen),
            ("server.state", own.state == new.state),
            ("server.threads", own.threads == new.threads),
            ("server.tls", own.tls.is_none() || new.tls.is_some()),
            ("limits.shared", self.limits.shared == other.limits.shared),
            ("receipts", self.receipts == other.receipts),
        ];
        all.into_iter().filter(|(_, is_same)| !is_same).map(|(word, _)| word).collect()
    }
}
