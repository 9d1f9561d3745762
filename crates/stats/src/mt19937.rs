//! The Mersenne Twister of Matsumoto and Nishimura (1998), which torch draws from.

/// Words in the state, which are drawn and renewed together.
pub const N: usize = 624;
const M: usize = 397;

/// The generator.
#[derive(Debug, Clone)]
pub struct Mt19937 {
    state: [u32; N],
    next: usize,
}

impl Mt19937 {
    /// Starts from a 32-bit seed (`init_genrand`).
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; N];
        let mut before = seed;
        for (i, word) in state.iter_mut().enumerate().skip(1) {
            before = (before ^ (before >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
            *word = before;
        }
        Self { state, next: N }
    }

    /// Starts from a state of 624 words, none of which was drawn.
    pub(crate) fn of_words(state: &[u32; N]) -> Self {
        Self { state: *state, next: N }
    }

    /// The words of the state.
    pub(crate) fn words(&self) -> &[u32; N] {
        &self.state
    }

    /// The next 32 bits.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.next == N {
            self.twist();
        }
        let word = temper(self.state[self.next]);
        self.next += 1;
        word
    }

    /// Fills with the next words, a state's worth at a time.
    pub fn fill(&mut self, mut words: &mut [u32]) {
        while !words.is_empty() {
            if self.next == N {
                self.twist();
            }
            let count = words.len().min(N - self.next);
            let (now, later) = words.split_at_mut(count);
            for (word, state) in now.iter_mut().zip(&self.state[self.next..]) {
                *word = temper(*state);
            }
            self.next += count;
            words = later;
        }
    }

    /// Passes over `count` words without tempering them.
    pub fn skip(&mut self, mut count: usize) {
        while count > N - self.next {
            count -= N - self.next;
            self.twist();
        }
        self.next += count;
    }

    /// Renews the state; the three loops read at a fixed distance, so that they go several words at a time.
    fn twist(&mut self) {
        let state = &mut self.state;
        for i in 0..N - M {
            state[i] = state[i + M] ^ mixed(state[i], state[i + 1]);
        }
        for i in N - M..N - 1 {
            state[i] = state[i + M - N] ^ mixed(state[i], state[i + 1]);
        }
        state[N - 1] = state[M - 1] ^ mixed(state[N - 1], state[0]);
        self.next = 0;
    }
}

#[inline]
fn mixed(upper: u32, lower: u32) -> u32 {
    let y = (upper & 0x8000_0000) | (lower & 0x7fff_ffff);
    (y >> 1) ^ ((y & 1).wrapping_neg() & 0x9908_b0df)
}

#[inline]
fn temper(mut y: u32) -> u32 {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    y ^ (y >> 18)
}
