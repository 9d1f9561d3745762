//! From the values of a key file to a scheme: one function a scheme, with its keys and their defaults.

use super::fields::{Reader, Truth, closest, value};
use crate::Error;
use crate::mmix;
use crate::scheme::Scheme;
use crate::scheme::best_of_n::BestOfN;
use crate::scheme::bricks::Bricks;
use crate::scheme::green::{Draws, GreenList, Origin, Salt};
use crate::scheme::hardened::Hardened;
use crate::scheme::philox::{Keys, Philox};
use crate::scheme::prf::{Function, Hash, NAMES};
use crate::scheme::sglang::SgLang;
use crate::scheme::synthid::{self, SynthId};
use crate::scheme::textseal::{Form, PRIMES, TextSeal};
use crate::sites::Once;

/// Every scheme by its name.
pub(crate) const SCHEMES: [(&str, Read); 16] = [
    ("vllm-philox", |reader| philox(reader)),
    ("vllm-philox-dual", |reader| philox_dual(reader)),
    ("kgw-transformers", |reader| transformers(reader)),
    ("kgw-lm-watermarking", |reader| lm_watermarking(reader)),
    ("synthid-transformers", |reader| synthid_transformers(reader)),
    ("synthid-deepmind", |reader| synthid_deepmind(reader)),
    ("synthid-vllm", |reader| synthid_vllm(reader)),
    ("sglang-gumbel", |reader| sglang(reader)),
    ("textseal-gumbel", |reader| textseal(reader, Form::Gumbel)),
    ("textseal-gumbel-dual", |reader| {
        let alpha = reader.weight("alpha", 0.5)?;
        textseal(reader, Form::Dual { alpha })
    }),
    ("textseal-greenlist", |reader| {
        let gamma = reader.share("gamma", Some(0.5))?;
        textseal(reader, Form::GreenList { gamma })
    }),
    ("sbw", |reader| sbw(reader)),
    ("three-bricks-maryland", |reader| bricks_maryland(reader)),
    ("three-bricks-openai", |reader| bricks_openai(reader)),
    ("stillmark-gumbel", |reader| hardened(reader)),
    ("best-of-n", |reader| best_of_n(reader)),
];

/// How a scheme is read.
pub(crate) type Read = fn(&Reader) -> Result<Box<dyn Scheme>, Error>;

/// The largest width of a window: hashing more would only weaken a mark.
const WIDEST: usize = 16;

/// The largest vocabulary.
const VOCABULARY: i128 = 1 << 24;

/// The least key that torch takes.
const LEAST: i128 = i64::MIN as i128;

/// The default key of the green lists: the millionth prime.
const HASHING_KEY: i128 = 15_485_863;

pub(super) fn read(reader: &Reader) -> Result<Box<dyn Scheme>, Error> {
    let name = reader.scheme()?;
    match SCHEMES.iter().find(|(known, _)| *known == name) {
        Some((_, read)) => read(reader),
        None => Err(Error::UnknownScheme {
            name: name.to_owned(),
            near: closest(name, SCHEMES.iter().map(|(known, _)| *known)),
        }),
    }
}

fn philox(reader: &Reader) -> Result<Box<dyn Scheme>, Error> {
    philox_with(reader, Keys::One(word(reader, "key")?))
}

fn philox_dual(reader: &Reader) -> Result<Box<dyn Scheme>, Error> {
    let alpha = reader.weight("alpha", 0.1)?;
    let keys = if reader.has("key_a") == Truth::Yes {
        Keys::Pair { key_a: word(reader, "key_a")?, key_b: word(reader, "key_b")?, alpha }
    } else {
        Keys::Derived { key: word(reader, "key")?, alpha }
    };
    philox_with(reader, keys)
}

fn philox_with(reader: &Reader, keys: Keys) -> Result<Box<dyn Scheme>, Error> {
    let context_width = reader.count("context_width", 4, WIDEST)?;
    let once = once(reader, Once::Window)?;
    Ok(Box::new(Philox { keys, context_width, once }))
}

fn transformers(reader: &Reader) -> Result<Box<dyn Scheme>, Error> {
    let key = reader.secret_or("hashing_key", LEAST, i128::from(u64::MAX), HASHING_KEY)?;
    let variant = reader.text("seeding_scheme")?.unwrap_or("lefthash").to_owned();
    let context_width = reader.count("context_width", 1, WIDEST)?;
    let (function, salt, hash) = match variant.as_str() {
        "lefthash" => (Function::Last, Salt::Window, Hash::Jenkins),
        "selfhash" if i64::try_from(key).is_ok() => {
            (Function::AnchoredMinhash, Salt::Token, Hash::of_key(key))
        }
        "selfhash" => {
            return Err(value("hashing_key", "a whole number of 63 bits for `selfhash`, as torch has it"));
        }
        _ => return Err(value("seeding_scheme", "`lefthash` or `selfhash`")),
    };
    Ok(Box::new(GreenList {
        origin: Origin::Transformers,
        function,
        hash,
        draws: Draws::Permutation(i128::from(u64::MAX)),
        salt,
        context_width,
        once: once(reader, Once::Pair)?,
        key,
        gamma: reader.share("greenlist_ratio", Some(0.25))?,
        vocab_size: vocab_size(reader)?,
        bias: reader.number("bias", 2.0)? as f32,
        variant,
        kept: None,
    }))
}

fn lm_watermarking(reader: &Reader) -> Result<Box<dyn Scheme>, Error> {
    let variant = match (reader.text("scheme_name")?, reader.text("prf")?) {
        (Some(name), _) | (None, Some(name)) => name.to_owned(),
        (None, None) => "selfhash".to_owned(),
    };
    let Seeding { function, context_width, salt, key } = seeding(&variant, "scheme_name")?;
    let key = reader.secret_or("hash_key", LEAST, i128::from(u64::MAX), key.unwrap_or(HASHING_KEY))?;
    Ok(Box::new(GreenList {
        origin: Origin::LmWatermarking,
        function,
        hash: Hash::shared(),
        draws: Draws::Permutation(i128::from(u64::MAX)),
        salt,
        context_width,
        once: once(reader, Once::Pair)?,
        key,
        gamma: reader.share("gamma", Some(0.25))?,
        vocab_size: vocab_size(reader)?,
        bias: reader.number("bias", 2.0)? as f32,
        variant,
        kept: None,
    }))
}

fn sbw(reader: &Reader) -> Result<Box<dyn Scheme>, Error> {
    let variant = reader.text("seeding_scheme")?.unwrap_or("gpu-simple_1").to_owned();
    let name = variant.strip_prefix("gpu-").map(|name| name.strip_prefix("fused-").unwrap_or(name));
    let Seeding { function, context_width, salt, .. } = seeding(name.unwrap_or(&variant), "seeding_scheme")?;
    let function = if function == Function::Additive { Function::AdditiveWrapping } else { function };
    let (draws, hash) = match name {
        Some(name) if name.contains("cpuhash") => (Draws::Words, Hash::shared()),
        Some(_) => (Draws::Words, Hash::Jenkins),
        None => (Draws::Permutation(i128::from(i64::MAX)), Hash::shared()),
    };
    Ok(Box::new(GreenList {
        origin: Origin::Sbw,
        function,
        hash,
        draws,
        salt,
        context_width,
        once: once(reader, Once::Pair)?,
        key: reader.secret_or("hash_key", LEAST, i128::from(i64::MAX), HASHING_KEY)?,
        gamma: reader.share("gamma", Some(0.5))?,
        vocab_size: vocab_size(reader)?,
        bias: 2.0,
        variant,
        kept: None,
    }))
}

fn bricks_maryland(reader: &Reader) -> Result<Box<dyn Scheme>, Error> {
    Ok(Box::new(GreenList {
        origin: Origin::ThreeBricks,
        function: Function::Bricks,
        hash: Hash::Jenkins,
        draws: Draws::Permutation(i128::from(u64::MAX)),
        salt: Salt::Window,
        context_width: reader.count("ngram", 4, WIDEST)?,
        once: Once::Pair,
        key: reader.secret_or("seed", 0, i128::from(u64::MAX), 0)?,
        gamma: reader.share("gamma", Some(0.5))?,
        vocab_size: vocab_size(reader)?,
        bias: 2.0,
        variant: "maryland".to_owned(),
        kept: None,
    }))
}

fn bricks_openai(reader: &Reader) -> Result<Box<dyn Scheme>, Error> {
    // The Gumbel form has no green list; files written for both may say γ.
    reader.share("gamma", Some(0.5))?;
    Ok(Box::new(Bricks {
        seed: reader.secret_or("seed", 0, i128::from(u64::MAX), 0)? as u64,
        ngram: reader.count("ngram", 4, WIDEST)?,
        vocab_size: vocab_size(reader)?,
    }))
}

/// What a scheme's name in lm-watermarking's grammar says.
struct Seeding {
    function: Function,
    context_width: usize,
    salt: Salt,
    key: Option<i128>,
}

/// Reads `simple_1`, `selfhash`, `minhash`, `skipgram`, a function's name, or `ff-FUNCTION-WIDTH-SALT[-KEY]`.
fn seeding(name: &str, key: &'static str) -> Result<Seeding, Error> {
    let known = |function, context_width, salt| Seeding { function, context_width, salt, key: None };
    let expected = || {
        value(key, "`simple_1`, `selfhash`, `minhash`, `skipgram` or `ff-FUNCTION-WIDTH-True|False[-KEY]`")
    };
    if let Some(rest) = name.strip_prefix("ff-") {
        let mut parts = rest.split('-');
        let function = parts.next().and_then(function_of).ok_or_else(expected)?;
        let context_width = parts.next().and_then(|width| width.parse().ok()).ok_or_else(expected)?;
        let salt = match parts.next() {
            Some("True") => Salt::Token,
            Some("False") => Salt::Window,
            _ => return Err(expected()),
        };
        if !(1..=WIDEST).contains(&context_width) {
            return Err(expected());
        }
        let key = match parts.next() {
            Some(number) => Some(number.parse().map_err(|_| expected())?),
            None => None,
        };
        return Ok(Seeding { function, context_width, salt, key });
    }
    Ok(match name {
        "simple_1" | "lefthash" => known(Function::Additive, 1, Salt::Window),
        name if name.split('-').next() == Some("simple_4") => known(Function::Additive, 4, Salt::Window),
        "minhash" => known(Function::Minhash, 4, Salt::Window),
        "skipgram" => known(Function::Skipgram, 5, Salt::Window),
        name if name == "algorithm-3" || name.split('-').next() == Some("selfhash") => {
            known(Function::AnchoredMinhash, 4, Salt::Token)
        }
        name => known(function_of(name).ok_or_else(expected)?, 4, Salt::Window),
    })
}

fn function_of(name: &str) -> Option<Function> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
}

fn synthid_transformers(reader: &Reader) -> Result<Box<dyn Scheme>, Error> {
    let keys = reader.secret_list("keys", 64)?;
    let size = reader.count("sampling_table_size", 65_536, 1 << 24)?;
    let table_seed = reader.whole("sampling_table_seed", 0, i128::from(u64::MAX))?.unwrap_or(0) as u64;
    let table = synthid::table(size, table_seed);
    synthid_with(reader, synthid::Form::Transformers { table, table_seed }, keys, mmix::START)
}

fn synthid_deepmind(reader: &Reader) -> Result<Box<dyn Scheme>, Error> {
    let keys = reader.secret_list("keys", 64)?;
    let start = synthid::start_of(&keys);
    synthid_with(reader, synthid::Form::DeepMind, keys, start)
}

fn synthid_with(
    reader: &Reader,
    form: synthid::Form,
    keys: Vec<i64>,
    start: i64,
) -> Result<Box<dyn Scheme>, Error> {
    let ngram_len = reader.count("ngram_len", 5, WIDEST)?;
    if ngram_len < 2 {
        return Err(value("ngram_len", "2 or more"));
    }
    Ok(Box::new(SynthId {
        form,
        depth: keys.len(),
        keys,
        ngram_len,
        history: reader.count("context_history_size", 1024, 1 << 24)?,
        eos_token: reader.whole("eos_token", 0, VOCABULARY)?.map(|token| token as u32),
        start,
        kept: None,
    }))
}

fn synthid_vllm(reader: &Reader) -> Result<Box<dyn Scheme>, Error> {
    Ok(Box::new(SynthId {
        form: synthid::Form::Vllm { key: word(reader, "key")? },
        keys: Vec::new(),
        depth: reader.count("depth", 30, 32)?,
        ngram_len: 1 + reader.count("context_width", 4, WIDEST)?,
        history: usize::MAX,
        eos_token: None,
        start: 0,
        kept: None,
    }))
}

fn sglang(reader: &Reader) -> Result<Box<dyn Scheme>, Error> {
    let second = match reader.has("key_b") {
        Truth::Yes => Some((reader.secret_hex("key_b")?, reader.share("mixing_probability", Some(0.5))?)),
        Truth::No => None,
    };
    let context_window = reader.count("context_window", 4, 64)?;
    Ok(Box::new(SgLang { key: reader.secret_hex("key")?, second, context_window }))
}

fn textseal(reader: &Reader, form: Form) -> Result<Box<dyn Scheme>, Error> {
    let most = i128::from(i64::MAX);
    let secret_key = reader.secret("secret_key", LEAST, most)? as i64;
    let key_b = reader.whole("key_b", LEAST, most)?;
    // Both forms of Gumbel mark may stand in one file.
    if form == Form::Gumbel {
        reader.weight("alpha", 0.5)?;
    }
    let once = match reader.text("scoring")? {
        None | Some("v1") => Once::Window,
        Some("v2") => Once::Pair,
        Some(_) => return Err(value("scoring", "`v1` or `v2`")),
    };
    Ok(Box::new(TextSeal {
        form,
        secret_key,
        key_b: key_b.map_or(TextSeal::second(secret_key), |key| key as i64),
        ngram: reader.count("ngram", 2, PRIMES.len())?,
        once,
    }))
}

fn hardened(reader: &Reader) -> Result<Box<dyn Scheme>, Error> {
    let context_width = reader.count("context_width", 4, WIDEST)?;
    Ok(Box::new(Hardened { key: reader.secret_bytes("key")?, context_width }))
}

fn best_of_n(reader: &Reader) -> Result<Box<dyn Scheme>, Error> {
    let (n, segment) = (reader.count("n", 4, 64)?, reader.count("segment", 20, 10_000)?);
    Ok(Box::new(BestOfN { key: reader.secret_bytes("key")?, n, segment }))
}

fn word(reader: &Reader, key: &'static str) -> Result<u64, Error> {
    Ok(reader.secret(key, 0, i128::from(u64::MAX))? as u64)
}

fn once(reader: &Reader, rule: Once) -> Result<Once, Error> {
    Ok(match reader.truth("deduplicate", Truth::Yes)? {
        Truth::Yes => rule,
        Truth::No => Once::Never,
    })
}

fn vocab_size(reader: &Reader) -> Result<u32, Error> {
    match reader.whole("vocab_size", 2, VOCABULARY)? {
        Some(size) => Ok(size as u32),
        None => Err(reader.missing("vocab_size")),
    }
}
