//! Log-probabilities as keys that are not trusted get to see them: with noise that asking again does not remove, and rounded.
//!
//! Exact log-probabilities of many prompts give away the last layer of a model (Carlini and others, 2024, arXiv:2403.06634). Only the
//! numbers change: every other byte of an answer goes out as it came. The noise is a function of the key, the token and the number, and
//! a smooth one, so that neither asking again, nor asking the same in other words, nor a server that is not exact makes it another.

use std::borrow::Cow;
use std::ops::Range;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::config::Logprobs;
use crate::keys::Pepper;
use crate::wire::json::{self, Member, Refused};
use crate::wire::sse;

/// Between two points of so many nats the noise goes from one drawn number to the next.
const SPACING: f64 = 0.5;

/// What servers say of a token that cannot come; it tells nothing and stays.
const NEVER: f64 = -9999.0;

/// How log-probabilities are changed for a key.
#[derive(Clone)]
pub struct Veil {
    noise: f64,
    decimals: Option<u32>,
    mac: Hmac<Sha256>,
}

/// A log-probability that stands in an answer.
struct Slot<'a> {
    token: Cow<'a, str>,
    value: f64,
    range: Range<usize>,
}

/// The log-probabilities of one place of an answer: those of the alternatives, and that of the token itself last.
type Place<'a> = Vec<Slot<'a>>;

impl std::fmt::Debug for Veil {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Veil({} nats, {:?} decimals)", self.noise, self.decimals)
    }
}

impl Veil {
    /// What the configuration wants for the key of a public name; none where numbers go out as they are.
    pub fn new(config: &Logprobs, pepper: &Pepper, id: &str) -> Option<Self> {
        if config.noise <= 0.0 && config.decimals.is_none() {
            return None;
        }
        let key = pepper.derived(&[b"stillmark/logprobs/v1\n", id.as_bytes()].concat());
        let mac = Hmac::new_from_slice(&key).ok()?;
        Some(Self { noise: config.noise, decimals: config.decimals, mac })
    }

    /// An answer with its numbers changed; none where it holds none.
    ///
    /// # Errors
    /// Where it speaks of log-probabilities and is no JSON: nobody knows what such an answer would give away.
    pub fn over_json(&self, text: &[u8]) -> Result<Option<Vec<u8>>, Refused> {
        if memchr::memmem::find(text, b"logprob").is_none() {
            return Ok(None);
        }
        let mut places = Vec::new();
        // The outermost value is checked as a whole before any of it is looked at.
        let members = json::members(text)?;
        object(&members, 0, &mut places)?;
        let mut told: Vec<(Range<usize>, String)> = Vec::new();
        for place in &places {
            told.extend(place.iter().zip(self.told(place)).map(|(slot, told)| (slot.range.clone(), told)));
        }
        told.sort_unstable_by_key(|(range, _)| range.start);
        let mut out = Vec::with_capacity(text.len() + 8 * told.len());
        let mut at = 0;
        for (range, number) in told {
            out.extend_from_slice(&text[at..range.start]);
            out.extend_from_slice(number.as_bytes());
            at = range.end;
        }
        out.extend_from_slice(&text[at..]);
        Ok(Some(out))
    }

    /// An event of a stream with its numbers changed; none where it holds none.
    ///
    /// # Errors
    /// As [`Self::over_json`].
    pub fn over_event(&self, event: &[u8]) -> Result<Option<Vec<u8>>, Refused> {
        let Some(data) = sse::data(event) else { return Ok(None) };
        Ok(self.over_json(&data)?.map(|changed| sse::with_data(event, &changed)))
    }

    /// What is told of the numbers of a place. Their order stays: none is told to be likelier than one that is likelier.
    fn told(&self, place: &Place<'_>) -> Vec<String> {
        let mut order: Vec<usize> = (0..place.len()).collect();
        order.sort_by(|a, b| place[*b].value.total_cmp(&place[*a].value));
        let mut told = vec![0.0; place.len()];
        let mut least = 0.0_f64;
        for (rank, idx) in order.iter().copied().enumerate() {
            let slot = &place[idx];
            let same =
                |other: &&usize| place[**other].token == slot.token && place[**other].value == slot.value;
            // The token itself is told as it is among the alternatives.
            told[idx] = if let Some(twin) = order[..rank].iter().find(same) {
                told[*twin]
            } else {
                least = least.min(self.noisy(slot));
                least
            };
        }
        told.into_iter().map(|value| self.written(value)).collect()
    }

    fn noisy(&self, slot: &Slot<'_>) -> f64 {
        if self.noise <= 0.0 || slot.value <= NEVER {
            return slot.value;
        }
        let knot = (slot.value / SPACING).floor();
        let angle = (slot.value / SPACING - knot) * std::f64::consts::FRAC_PI_2;
        let (here, next) = (self.drawn(knot, &slot.token), self.drawn(knot + 1.0, &slot.token));
        // The squares of the two weights add up to one, and so the deviation is the same everywhere.
        slot.value + self.noise * (here * angle.cos() + next * angle.sin())
    }

    /// A number of the normal distribution that belongs to a point and a token (Box and Muller, 1958).
    fn drawn(&self, knot: f64, token: &str) -> f64 {
        let mut mac = self.mac.clone();
        mac.update(&(knot as i64).to_le_bytes());
        mac.update(token.as_bytes());
        let bytes: [u8; 32] = mac.finalize().into_bytes().into();
        let uniform = |from: usize| {
            let number =
                bytes[from..from + 7].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            ((number >> 3) as f64 + 0.5) / (1_u64 << 53) as f64
        };
        (-2.0 * uniform(0).ln()).sqrt() * (std::f64::consts::TAU * uniform(8)).cos()
    }

    fn written(&self, value: f64) -> String {
        let rounded = self.decimals.map_or(value, |decimals| {
            let scale = 10_f64.powi(decimals as i32);
            (value * scale).round() / scale
        });
        // Without the sign of a zero that was below it.
        format!("{:?}", rounded + 0.0)
    }
}

/// Whether an answer's own words stand below a name, and no log-probability of a token.
fn is_elsewhere(name: &str) -> bool {
    matches!(name, "metadata" | "tools" | "tool_choice" | "usage")
}

/// Looks for log-probabilities in a value that stands at a place of the text.
fn value<'a>(text: &'a str, at: usize, places: &mut Vec<Place<'a>>) -> Result<(), Refused> {
    if memchr::memmem::find(text.as_bytes(), b"logprob").is_none() {
        return Ok(());
    }
    match text.as_bytes().first() {
        Some(b'{') => object(&json::members(text.as_bytes())?, at, places),
        Some(b'[') => {
            for item in json::items(text.as_bytes())? {
                value(&text[item.clone()], at + item.start, places)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Looks for log-probabilities in an object: an entry of chat and responses, or the lists of plain completions.
fn object<'a>(members: &[Member<'a>], at: usize, places: &mut Vec<Place<'a>>) -> Result<(), Refused> {
    let get = |name: &str| members.iter().find(|member| member.name == name);
    let (mut alternatives, mut own) = (Vec::new(), Vec::new());
    for member in members {
        let start = at + member.range.start;
        match member.name.as_ref() {
            "logprob" => {
                let token = get("token").and_then(|token| json::string(token.value)).unwrap_or_default();
                own.extend(slot(token, member.value, start).map(|slot| vec![slot]));
            }
            "top_logprobs" if member.value.starts_with('[') => {
                for item in json::items(member.value.as_bytes())? {
                    alternatives.push(alternative(&member.value[item.clone()], start + item.start)?);
                }
            }
            "token_logprobs" if member.value.starts_with('[') => {
                let tokens = get("tokens").filter(|tokens| tokens.value.starts_with('['));
                let named = tokens.map_or(Ok(Vec::new()), |tokens| json::items(tokens.value.as_bytes()))?;
                for (idx, item) in json::items(member.value.as_bytes())?.into_iter().enumerate() {
                    let token = named.get(idx).zip(tokens);
                    let token = token.and_then(|(item, tokens)| json::string(&tokens.value[item.clone()]));
                    let number = &member.value[item.clone()];
                    own.push(
                        slot(token.unwrap_or_default(), number, start + item.start).into_iter().collect(),
                    );
                }
            }
            name if is_elsewhere(name) => {}
            _ => value(member.value, start, places)?,
        }
    }
    // The alternatives of an entry are a list of entries; those of plain completions are one object for each token.
    if get("token_logprobs").is_none() {
        alternatives = vec![alternatives.into_iter().flatten().collect()];
    }
    let mut own = own.into_iter();
    for mut place in alternatives {
        place.extend(own.next().into_iter().flatten());
        places.push(place);
    }
    places.extend(own);
    Ok(())
}

/// The numbers of an alternative, `{"token", "logprob"}`, or of all alternatives of a token, `{TOKEN: NUMBER}`.
fn alternative(text: &str, at: usize) -> Result<Place<'_>, Refused> {
    if !text.starts_with('{') {
        return Ok(slot(Cow::Borrowed(""), text, at).into_iter().collect());
    }
    let members = json::members(text.as_bytes())?;
    let token = members.iter().find(|member| member.name == "token");
    let token = token.and_then(|token| json::string(token.value));
    // Beside the token's name there may be other numbers, as its id.
    let counts = |member: &Member<'_>| token.is_none() || member.name == "logprob";
    let slots = members.into_iter().filter(counts).filter_map(|member| {
        let token = token.clone().unwrap_or(member.name);
        slot(token, member.value, at + member.range.start)
    });
    Ok(slots.collect())
}

fn slot<'a>(token: Cow<'a, str>, text: &str, start: usize) -> Option<Slot<'a>> {
    // Every JSON number begins so, and nothing else does.
    let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let value = text.parse().ok().filter(|value: &f64| is_number && value.is_finite())?;
    Some(Slot { token, value, range: start..start + text.len() })
}
