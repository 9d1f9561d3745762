//! Which instructions this machine has, found once at run time.

use std::sync::OnceLock;

/// An instruction set that the kernels have a path for, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Plain Rust, for any processor.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL.
    Avx512,
    /// AVX-512 with bf16 dot products (`avx512_bf16`).
    Avx512Bf16,
}

impl Isa {
    /// The best instruction set of this machine.
    pub fn detected() -> Self {
        static FOUND: OnceLock<Isa> = OnceLock::new();
        *FOUND.get_or_init(Self::detect)
    }

    /// Every instruction set that this machine can run, the least first.
    pub fn available() -> Vec<Self> {
        [Self::Portable, Self::Avx2, Self::Avx512, Self::Avx512Bf16]
            .into_iter()
            .filter(|isa| *isa <= Self::detected())
            .collect()
    }

    /// The name written into records of runs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Avx512Bf16 => "avx512-bf16",
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn detect() -> Self {
        if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
            return Self::Portable;
        }
        let wide = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        match (wide, is_x86_feature_detected!("avx512bf16")) {
            (true, true) => Self::Avx512Bf16,
            (true, false) => Self::Avx512,
            (false, _) => Self::Avx2,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn detect() -> Self {
        Self::Portable
    }
}

/// Compiles one function body for every instruction set and picks one at each call.
///
/// The body is plain Rust; the compiler vectorizes it anew for each set. It contains no fused multiply-add unless it says
/// so, so the bits do not depend on the set.
///
/// With two names, the second is the same function on a named set (or the machine's best, if that is less), which tests
/// of every path call.
macro_rules! dispatched {
    (
        $(#[$meta:meta])* $vis:vis fn $name:ident, $on:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block
    ) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) $(-> $ret)? { $on($crate::isa::Isa::detected(), $($arg),*) }

        #[doc = concat!("As [`", stringify!($name), "`], on a given instruction set or the machine's best, whichever is less.")]
        $vis fn $on(isa: $crate::isa::Isa, $($arg: $ty),*) $(-> $ret)? {
            $crate::isa::dispatched!(@bodies isa.min($crate::isa::Isa::detected()), ($($arg: $ty),*) $(-> $ret)? $body)
        }
    };
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            $crate::isa::dispatched!(@bodies $crate::isa::Isa::detected(), ($($arg: $ty),*) $(-> $ret)? $body)
        }
    };
    (@bodies $isa:expr, ($($arg:ident: $ty:ty),*) $(-> $ret:ty)? $body:block) => {{
            #[inline(always)]
            fn body($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn avx512($($arg: $ty),*) $(-> $ret)? { body($($arg),*) }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) $(-> $ret)? { body($($arg),*) }
                match $isa {
                    // SAFETY: the features were found on this machine.
                    $crate::isa::Isa::Avx512 | $crate::isa::Isa::Avx512Bf16 => return unsafe { avx512($($arg),*) },
                    // SAFETY: the features were found on this machine.
                    $crate::isa::Isa::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::isa::Isa::Portable => {}
                }
            }
            body($($arg),*)
    }};
}
pub(crate) use dispatched;
