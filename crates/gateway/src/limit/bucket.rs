//! One limit and what is taken of it.

/// In which stretch of time a limit holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Per {
    /// At any moment: what is held alone counts.
    Moment,
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// For ever: nothing drains.
    Ever,
}

impl Per {
    /// How long a tick is, in milliseconds, and how many make the stretch; none where nothing drains.
    ///
    /// A stretch's ticks times a limit stay below 2⁵³, so that a machine that has no integers but doubles (Lua) computes the same.
    pub fn ticks(self) -> Option<(u64, u64)> {
        match self {
            Self::Moment | Self::Ever => None,
            Self::Second => Some((1, 1_000)),
            Self::Minute => Some((1, 60_000)),
            Self::Hour => Some((100, 36_000)),
            Self::Day => Some((1_000, 86_400)),
        }
    }
}

/// No limit is larger: 10¹¹.
pub const LARGEST: u64 = 100_000_000_000;

/// No bucket counts further: 2⁵².
const MOST: u64 = 1 << 52;

/// A limit and what is taken of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    limit: u64,
    per: Per,
    used: u64,
    held: u64,
    /// What drained beyond whole units, in units over ticks.
    rest: u64,
    /// The tick up to which it drained.
    at: u64,
}

impl Bucket {
    /// An empty bucket; a limit above 10¹¹ is taken for that.
    pub fn new(limit: u64, per: Per) -> Self {
        Self { limit: limit.min(LARGEST), per, used: 0, held: 0, rest: 0, at: 0 }
    }

    /// A bucket as another machine tells of it: what is used, what drained beyond whole units, what is held.
    pub fn told(limit: u64, per: Per, now_ms: u64, [used, rest, held]: [u64; 3]) -> Self {
        let at = per.ticks().map_or(0, |(tick_ms, _)| now_ms / tick_ms);
        Self { used, held, rest, at, ..Self::new(limit, per) }
    }

    /// The limit.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// The stretch of time.
    pub fn per(&self) -> Per {
        self.per
    }

    /// What is used and has not drained.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// What is reserved and not settled.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Takes another limit on; what is taken stays taken.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit.min(LARGEST);
        self.rest = 0;
    }

    /// Lets drain what time allows up to `now`, in milliseconds of any clock; one that runs backwards drains nothing.
    pub fn drain(&mut self, now_ms: u64) {
        let Some((tick_ms, ticks)) = self.per.ticks() else { return };
        let now = now_ms / tick_ms;
        let elapsed = now.saturating_sub(self.at);
        self.at = self.at.max(now);
        let drained = u128::from(elapsed) * u128::from(self.limit) + u128::from(self.rest);
        let (whole, rest) = (drained / u128::from(ticks), drained % u128::from(ticks));
        if whole >= u128::from(self.used) {
            // An empty bucket saves nothing up.
            self.used = 0;
            self.rest = 0;
        } else {
            self.used -= whole as u64;
            self.rest = rest as u64;
        }
    }

    /// How much may still be taken.
    pub fn room(&self) -> u64 {
        self.limit.saturating_sub(self.used).saturating_sub(self.held)
    }

    /// Reserves without asking; whoever calls has seen the room.
    pub fn hold(&mut self, amount: u64) {
        self.held = self.held.saturating_add(amount);
    }

    /// Turns what was held into what was used, more or less of it.
    pub fn settle(&mut self, held: u64, used: u64) {
        self.held = self.held.saturating_sub(held);
        if self.per != Per::Moment {
            self.used = self.used.saturating_add(used).min(MOST);
        }
    }

    /// How long until so much has room, if nothing else is taken meanwhile, in milliseconds; none where time does not help.
    pub fn wait_ms(&self, amount: u64) -> Option<u64> {
        let over = (self.used + self.held).saturating_add(amount).saturating_sub(self.limit);
        if over == 0 {
            return Some(0);
        }
        let (tick_ms, ticks) = self.per.ticks()?;
        if over > self.used || self.limit == 0 {
            return None;
        }
        let needed = u128::from(over) * u128::from(ticks) - u128::from(self.rest);
        let ticks = needed.div_ceil(u128::from(self.limit));
        Some(u64::try_from(ticks).unwrap_or(u64::MAX).saturating_mul(tick_ms))
    }

    /// How long until it is empty, in milliseconds, if nothing else is taken; 0 where time does not help.
    pub fn reset_ms(&self) -> u64 {
        let Some((tick_ms, ticks)) = self.per.ticks() else { return 0 };
        let needed = (u128::from(self.used) * u128::from(ticks)).saturating_sub(u128::from(self.rest));
        let ticks = needed.div_ceil(u128::from(self.limit.max(1)));
        u64::try_from(ticks).unwrap_or(u64::MAX).saturating_mul(tick_ms)
    }
}
