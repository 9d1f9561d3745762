//! What a model card claims: one definition for its writer and its verifier.

mod front_matter;

use crate::manifest::{DatasetManifest, SourceKind};
use crate::{Digest, Finding, FindingKind, license};
use front_matter::Node;
pub(crate) use front_matter::quote;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const BEGIN: &str = "<!-- stillmark:claims -->";
const END: &str = "<!-- /stillmark:claims -->";

/// Everything a card states that the signed record can confirm or contradict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    /// The models the student's weights started from.
    pub base_model: Vec<String>,
    /// How it relates to them, in the hub's words, such as `finetune`.
    pub base_model_relation: String,
    /// The datasets that are public.
    #[serde(default)]
    pub datasets: Vec<String>,
    /// The license it is offered under.
    pub license: String,
    /// The teachers with their shares of the tokens, ordered by name.
    pub teachers: Vec<TeacherShare>,
    /// The tokens of all sources.
    pub tokens: u64,
    /// The digest of `data/manifest.json`.
    pub record: Digest,
}

/// A teacher and its share of the tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TeacherShare {
    /// The name it is published under.
    pub name: String,
    /// Its part of all tokens, between 0 and 1.
    pub share: f64,
}

/// A card that states one thing where the record says another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    /// The field of the card.
    pub field: String,
    /// What the card states.
    pub stated: String,
    /// What the signed record says.
    pub recorded: String,
}

impl Claims {
    /// What a record says, for a student that began as `base_model` and is offered under `license`.
    pub fn of(record: &DatasetManifest, digest: Digest, base_model: Vec<String>, license: &str) -> Self {
        Self {
            base_model,
            base_model_relation: "finetune".to_owned(),
            datasets: Vec::new(),
            license: license.to_owned(),
            teachers: teachers(record),
            tokens: record.totals.tokens,
            record: digest,
        }
    }
}

/// The teachers of a record, one entry a name and ordered by it, with their shares.
pub fn teachers(manifest: &DatasetManifest) -> Vec<TeacherShare> {
    let mut tokens: BTreeMap<&str, u64> = BTreeMap::new();
    for source in manifest.sources.iter().filter(|source| source.kind == SourceKind::Teacher) {
        let name = source.teacher.as_ref().map_or(source.id.as_str(), |teacher| &teacher.name);
        let sum = tokens.entry(name).or_default();
        *sum = sum.saturating_add(source.tokens);
    }
    let share = |(name, tokens): (&str, u64)| TeacherShare {
        name: name.to_owned(),
        share: manifest.totals.share(tokens),
    };
    tokens.into_iter().map(share).collect()
}

/// The card's YAML front matter, its fences included.
pub fn render_front_matter(claims: &Claims) -> String {
    let mut lines = vec!["---".to_owned()];
    push_list(&mut lines, "base_model", &ancestors(claims));
    lines.push(format!("base_model_relation: {}", quote(&claims.base_model_relation)));
    push_list(&mut lines, "datasets", &claims.datasets);
    if license::is_of_hub(&claims.license) {
        lines.push(format!("license: {}", quote(&claims.license)));
    } else {
        lines.push(format!("license: other\nlicense_name: {}", quote(&claims.license)));
    }
    push_list(&mut lines, "tags", &["distillation".to_owned()]);
    lines.push(format!("stillmark:\n  record: {}\n  tokens: {}", claims.record, claims.tokens));
    if claims.base_model != ancestors(claims) {
        let quoted: Vec<String> = claims.base_model.iter().map(|base| quote(base)).collect();
        lines.push(format!("  base: [{}]", quoted.join(", ")));
    }
    if !claims.teachers.is_empty() {
        lines.push("  shares:".to_owned());
    }
    for teacher in &claims.teachers {
        let share = f64::from(points(teacher.share)) / POINTS;
        lines.push(format!("    {}: {share:.5}", quote(&teacher.name)));
    }
    lines.push("---\n".to_owned());
    lines.join("\n")
}

/// The models that the hub shows above a student: what its weights came from, then its other teachers.
fn ancestors(claims: &Claims) -> Vec<String> {
    let mut all = claims.base_model.clone();
    for teacher in &claims.teachers {
        if !all.contains(&teacher.name) {
            all.push(teacher.name.clone());
        }
    }
    all
}

/// The sentences between the card's two marks, the marks included.
pub fn render_claims_block(claims: &Claims) -> String {
    let names: Vec<String> = claims
        .teachers
        .iter()
        .map(|teacher| {
            format!(
                "{} ({:.1} % of the training tokens)",
                teacher.name,
                f64::from(points(teacher.share)) / POINTS * 100.0
            )
        })
        .collect();
    let from = if names.is_empty() { "no teacher".to_owned() } else { names.join(", ") };
    let base = if claims.base_model.is_empty() { "nothing".to_owned() } else { claims.base_model.join(", ") };
    format!(
        "{BEGIN}\nDistilled from {from}. Its weights started from {base}. It was trained on {} tokens.\n\nDistillation record: sha256:{}\n{END}\n",
        claims.tokens, claims.record
    )
}

/// Reads a card's claims: the front matter, and the block of sentences, which must say the same.
pub fn parse(card: &str) -> Result<(Claims, Vec<Contradiction>), Finding> {
    let malformed = |detail: &str| Finding::new(FindingKind::Malformed, "model/README.md", detail);
    let rest = card.strip_prefix("---\n").ok_or_else(|| malformed("no YAML front matter"))?;
    let (yaml, text) =
        rest.split_once("\n---\n").ok_or_else(|| malformed("the front matter does not end"))?;
    let yaml = front_matter::parse(yaml).map_err(|detail| malformed(&detail))?;
    let claims = claims_of(&yaml).map_err(|detail| malformed(&detail))?;
    let block =
        block_of(text).ok_or_else(|| malformed("the block of claims is missing or is there twice"))?;
    let expected = render_claims_block(&claims);
    let expected = block_of(&expected).unwrap_or_default();
    let mut contradictions = Vec::new();
    let (shown, ancestors) = (list(yaml.get("base_model")), ancestors(&claims));
    if is_apart(&yaml) && shown != ancestors {
        contradictions.push(Contradiction {
            field: "base_model".to_owned(),
            stated: shown.join(", "),
            recorded: ancestors.join(", "),
        });
    }
    if block.trim() != expected.trim() {
        contradictions.push(Contradiction {
            field: "claims".to_owned(),
            stated: block.trim().to_owned(),
            recorded: expected.trim().to_owned(),
        });
    }
    Ok((claims, contradictions))
}

/// Lists where `stated` differs from `recorded`.
pub fn contradictions(stated: &Claims, recorded: &Claims) -> Vec<Contradiction> {
    let pair = |field: &str, stated: String, recorded: String| {
        (stated != recorded).then(|| Contradiction { field: field.to_owned(), stated, recorded })
    };
    let list = |items: &[String]| items.join(", ");
    let fields = [
        pair("base_model", list(&stated.base_model), list(&recorded.base_model)),
        pair("base_model_relation", stated.base_model_relation.clone(), recorded.base_model_relation.clone()),
        pair("datasets", list(&stated.datasets), list(&recorded.datasets)),
        pair("license", stated.license.clone(), recorded.license.clone()),
    ];
    fields.into_iter().flatten().chain(record_contradictions(stated, recorded)).collect()
}

/// Lists where the claims that a dataset manifest decides differ: teachers, shares, tokens, record.
pub fn record_contradictions(stated: &Claims, recorded: &Claims) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let mut differ = |field: &str, stated: String, recorded: String| {
        if stated != recorded {
            found.push(Contradiction { field: field.to_owned(), stated, recorded });
        }
    };
    let names = |claims: &Claims| {
        let names: Vec<&str> = claims.teachers.iter().map(|teacher| teacher.name.as_str()).collect();
        names.join(", ")
    };
    differ("stillmark.record", stated.record.to_string(), recorded.record.to_string());
    differ("stillmark.tokens", stated.tokens.to_string(), recorded.tokens.to_string());
    differ("teachers", names(stated), names(recorded));
    for teacher in &recorded.teachers {
        let stated = stated.teachers.iter().find(|other| other.name == teacher.name);
        let Some(stated) = stated else { continue };
        differ(&format!("stillmark.shares.{}", teacher.name), percent(stated.share), percent(teacher.share));
    }
    found
}

/// Shares are stated to a thousandth of a per cent: in points, of which the whole has this many.
const POINTS: f64 = 1e5;

fn points(share: f64) -> u32 {
    (share * POINTS).round() as u32
}

fn percent(share: f64) -> String {
    format!("{:.3} %", f64::from(points(share)) / POINTS * 100.0)
}

fn push_list(lines: &mut Vec<String>, key: &str, items: &[String]) {
    let empty = if items.is_empty() { " []" } else { "" };
    lines.push(format!("{key}:{empty}"));
    lines.extend(items.iter().map(|item| format!("- {}", quote(item))));
}

fn block_of(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(BEGIN)?;
    let (block, after) = rest.split_once(END)?;
    if after.contains(BEGIN) { None } else { Some(block) }
}

fn claims_of(yaml: &BTreeMap<String, Node>) -> Result<Claims, String> {
    let Some(Node::Map(own)) = yaml.get("stillmark") else { return Err("no `stillmark` block".to_owned()) };
    let number = |node: Option<&Node>, key: &str| {
        scalar(node, key)?.parse::<f64>().map_err(|_| format!("`{key}` is not a number"))
    };
    let mut teachers = Vec::new();
    if let Some(Node::Map(shares)) = own.get("shares") {
        for (name, share) in shares {
            teachers.push(TeacherShare { name: name.clone(), share: number(Some(share), name)? });
        }
    }
    teachers.sort_by(|a, b| a.name.cmp(&b.name));
    let tokens = scalar(own.get("tokens"), "stillmark.tokens")?;
    let record = scalar(own.get("record"), "stillmark.record")?;
    Ok(Claims {
        base_model: list(if is_apart(yaml) { own.get("base") } else { yaml.get("base_model") }),
        base_model_relation: scalar(yaml.get("base_model_relation"), "base_model_relation")?,
        datasets: list(yaml.get("datasets")),
        license: match scalar(yaml.get("license"), "license")? {
            other if other == "other" => scalar(yaml.get("license_name"), "license_name").unwrap_or(other),
            license => license,
        },
        teachers,
        tokens: tokens.parse().map_err(|_| "`stillmark.tokens` is not a number".to_owned())?,
        record: record.parse().map_err(|error: crate::Error| error.to_string())?,
    })
}

/// Whether the base stands apart from the models that the hub shows.
fn is_apart(yaml: &BTreeMap<String, Node>) -> bool {
    matches!(yaml.get("stillmark"), Some(Node::Map(own)) if own.contains_key("base"))
}

fn scalar(node: Option<&Node>, key: &str) -> Result<String, String> {
    match node {
        Some(Node::Scalar(text)) => Ok(text.clone()),
        _ => Err(format!("`{key}` is missing")),
    }
}

/// A list, or one value where the hub allows either.
fn list(node: Option<&Node>) -> Vec<String> {
    match node {
        Some(Node::List(items)) => items.clone(),
        Some(Node::Scalar(text)) if !text.is_empty() => vec![text.clone()],
        _ => Vec::new(),
    }
}
