//! The Mersenne Twister of Matsumoto and Nishimura (1998), which torch draws from.

const N: usize = 624;
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
        for i in 1..N {
            let before = state[i - 1];
            state[i] = (before ^ (before >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Self { state, next: N }
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.next == N {
            self.twist();
            self.next = 0;
        }
        let word = temper(self.state[self.next]);
        self.next += 1;
        word
    }

    fn twist(&mut self) {
        let state = &mut self.state;
        for i in 0..N - M {
            state[i] = state[i + M] ^ mixed(state[i], state[i + 1]);
        }
        for i in N - M..N - 1 {
            state[i] = state[i + M - N] ^ mixed(state[i], state[i + 1]);
        }
        state[N - 1] = state[M - 1] ^ mixed(state[N - 1], state[0]);
    }
}

fn mixed(upper: u32, lower: u32) -> u32 {
    let y = (upper & 0x8000_0000) | (lower & 0x7fff_ffff);
    (y >> 1) ^ ((y & 1).wrapping_neg() & 0x9908_b0df)
}

fn temper(mut y: u32) -> u32 {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    y ^ (y >> 18)
}
