//! What is counted.

use sha2::{Digest as _, Sha256};

use super::bucket::Per;

/// What a bucket counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Requests of a key in a minute.
    RequestsPerMinute,
    /// Requests of a key in a day.
    RequestsPerDay,
    /// Tokens of a key in a minute.
    TokensPerMinute,
    /// Tokens of a key in a day.
    TokensPerDay,
    /// Tokens of answers under a grant, or of a key without one, for ever.
    AnswerTokensEver,
    /// Requests of a key at once.
    Concurrent,
    /// Requests from an address in a minute.
    Address,
    /// Requests from a network in a minute.
    Network,
    /// Requests from an address without a good key in a minute.
    Unauthenticated,
}

impl Kind {
    /// Those that keys have.
    pub const OF_KEYS: [Self; 6] = [
        Self::RequestsPerMinute,
        Self::RequestsPerDay,
        Self::TokensPerMinute,
        Self::TokensPerDay,
        Self::AnswerTokensEver,
        Self::Concurrent,
    ];

    /// In which stretch of time it holds.
    pub fn per(self) -> Per {
        match self {
            Self::RequestsPerMinute
            | Self::TokensPerMinute
            | Self::Address
            | Self::Network
            | Self::Unauthenticated => Per::Minute,
            Self::RequestsPerDay | Self::TokensPerDay => Per::Day,
            Self::AnswerTokensEver => Per::Ever,
            Self::Concurrent => Per::Moment,
        }
    }

    /// Whether it is used as soon as a request is let in, whatever comes of it.
    pub fn is_used_at_once(self) -> bool {
        !self.counts_tokens() && self != Self::Concurrent
    }

    /// Whether it counts tokens, of which more are known later.
    pub fn counts_tokens(self) -> bool {
        matches!(self, Self::TokensPerMinute | Self::TokensPerDay | Self::AnswerTokensEver)
    }

    /// Its word in messages and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests per minute",
            Self::RequestsPerDay => "requests per day",
            Self::TokensPerMinute => "tokens per minute",
            Self::TokensPerDay => "tokens per day",
            Self::AnswerTokensEver => "tokens of answers for ever",
            Self::Concurrent => "requests at once",
            Self::Address => "requests per minute from one address",
            Self::Network => "requests per minute from one network",
            Self::Unauthenticated => "requests per minute without a good key",
        }
    }

    /// The name of the bucket of an owner, the same in every run: the highest bit is set, the lowest two tell the stretch of time.
    pub fn name(self, owner: &str) -> u64 {
        let hash = Sha256::new().chain_update(self.word()).chain_update("\n").chain_update(owner).finalize();
        let name = hash.iter().take(8).fold(0, |name, byte| name << 8 | u64::from(*byte)) & !(KEPT | 3);
        match self.per() {
            Per::Moment => name,
            Per::Second | Per::Minute => KEPT | name,
            Per::Hour => KEPT | name | 1,
            Per::Day => KEPT | name | 2,
            Per::Ever => KEPT | name | 3,
        }
    }
}

/// What a request asks of one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The name of the bucket.
    pub name: u64,
    /// What it counts.
    pub kind: Kind,
    /// How much it allows.
    pub limit: u64,
    /// How much is asked.
    pub amount: u64,
}

/// Names of buckets that outlive the process have this bit.
pub const KEPT: u64 = 1 << 63;
