//! `distillation.toml`: what a provider offers to everyone, under one of four presets (docs/spec/offer.md).

use stillmark_evidence::{Date, Digest};

use crate::error::Error;
use crate::read::{Source, Table, Value};
use crate::words::{Kind, Word};

/// The `schema` of every offer.
const SCHEMA: &str = "stillmark/distillation-offer/v1";

/// One of the four ready choices of the Open Distillation Protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// No conditions.
    Free,
    /// Attribute and disclose.
    By,
    /// Share alike.
    ShareAlike,
    /// Consent needed.
    Ask,
}

/// What an offer says beside its preset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The preset.
    pub preset: Preset,
    /// The model's name.
    pub asset: String,
    /// Whether it is offered as weights or behind an API.
    pub kind: Kind,
    /// Who offers.
    pub provider: Option<String>,
    /// Where to ask for a grant.
    pub ask: Option<String>,
    /// Where revocations are published.
    pub revocations: Option<String>,
    /// The verifier key of the log of receipts.
    pub receipts: Option<String>,
    /// The day of the offer.
    pub offered_on: Date,
}

/// An offer as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What it says.
    pub draft: Draft,
    digest: Digest,
}

impl Word for Preset {
    const NOUN: &'static str = "preset";
    const ALL: &'static [(&'static str, Self)] = &[
        ("odp-free", Self::Free),
        ("odp-by", Self::By),
        ("odp-sa", Self::ShareAlike),
        ("odp-ask", Self::Ask),
    ];
}

impl Preset {
    /// Its name, which is the id of its terms in the pack.
    pub fn id(self) -> &'static str {
        match self {
            Self::Free => "odp-free",
            Self::By => "odp-by",
            Self::ShareAlike => "odp-sa",
            Self::Ask => "odp-ask",
        }
    }

    /// The text for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Free => include_str!("../odp/odp-free.md"),
            Self::By => include_str!("../odp/odp-by.md"),
            Self::ShareAlike => include_str!("../odp/odp-sa.md"),
            Self::Ask => include_str!("../odp/odp-ask.md"),
        }
    }

    /// The part of an offer that machines read, which is the same in every offer of the preset.
    fn machine(self) -> &'static str {
        match self {
            Self::Free => include_str!("../odp/odp-free.toml"),
            Self::By => include_str!("../odp/odp-by.toml"),
            Self::ShareAlike => include_str!("../odp/odp-sa.toml"),
            Self::Ask => include_str!("../odp/odp-ask.toml"),
        }
    }
}

impl Draft {
    /// The text of the offer's file.
    pub fn render(&self) -> String {
        let preset = self.preset;
        let mut lines = vec![
            "# An offer under the Open Distillation Protocol, version 0. DRAFT: no lawyer has reviewed it."
                .to_owned(),
            "# It lies at the root of a model, or at /.well-known/distillation.toml of an API.".to_owned(),
            format!("schema = \"{SCHEMA}\""),
            format!("preset = \"{}\"", preset.id()),
            format!("asset = {}", quoted(&self.asset)),
            format!("kind = \"{}\"", self.kind.as_str()),
            format!("offered_on = {}", self.offered_on),
            format!("text_sha256 = \"{}\"", Digest::of(preset.text().as_bytes())),
        ];
        let optional = [
            ("provider", &self.provider),
            ("ask", &self.ask),
            ("revocations", &self.revocations),
            ("receipts", &self.receipts),
        ];
        lines.extend(
            optional
                .into_iter()
                .filter_map(|(key, value)| value.as_ref().map(|value| format!("{key} = {}", quoted(value)))),
        );
        format!("{}\n\n{}", lines.join("\n"), preset.machine())
    }
}

impl Offer {
    /// Reads an offer; its machine part has to be that of its preset.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (source, document) = Source::parse(text)?;
        let mut table = source.table("the offer", &document);
        let schema = table.required("schema")?;
        if schema.string()? != SCHEMA {
            return Err(schema.not_the(SCHEMA));
        }
        let preset: Preset = table.required("preset")?.word()?;
        let optional = |table: &mut Table<'_, '_>, key| table.optional(key).map(Value::string).transpose();
        let kind = table.required("kind")?;
        let draft = Draft {
            preset,
            asset: table.required("asset")?.string()?,
            kind: match kind.word()? {
                of @ (Kind::Weights | Kind::Api) => of,
                Kind::Dataset | Kind::Code => return Err(kind.not_the("weights or api")),
            },
            provider: optional(&mut table, "provider")?,
            ask: optional(&mut table, "ask")?,
            revocations: optional(&mut table, "revocations")?,
            receipts: optional(&mut table, "receipts")?,
            offered_on: table.required("offered_on")?.date()?,
        };
        let own = table.required("text_sha256")?;
        if own.string()? != Digest::of(preset.text().as_bytes()).to_string() {
            return Err(own.not_the("the digest of the preset's text"));
        }
        let (_, machine) = Source::parse(preset.machine())?;
        for (key, wanted) in machine.get_ref() {
            table.same(key.get_ref(), wanted, preset.id())?;
        }
        table.finish()?;
        Ok(Self { draft, digest: Digest::of(text.as_bytes()) })
    }

    /// The digest of the offer's file, by which grants and receipts name it.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
