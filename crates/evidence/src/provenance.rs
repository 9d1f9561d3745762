//! How a student came to be: SLSA provenance, version 1, for a distillation run.

use crate::{Digest, DigestSet, Predicate};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The build type of a distillation run.
pub const BUILD_TYPE: &str = "urn:stillmark:distill-run:v1";

/// What the URI of a base begins with, before the model's name.
const BASE_URI: &str = "urn:stillmark:model:";

/// The names that resolved dependencies and by-products go by.
pub mod name {
    /// The teacher's weights; of several, `teacher:ID` with the source's id.
    pub const TEACHER: &str = "teacher";
    /// The model the student's first weights were taken from.
    pub const BASE: &str = "base";
    /// The tokenizer.
    pub const TOKENIZER: &str = "tokenizer";
    /// The dataset manifest's file, `data/manifest.json`.
    pub const DATASET_MANIFEST: &str = "dataset-manifest";
    /// The terms pack the plan was judged by.
    pub const TERMS_PACK: &str = "terms-pack";
    /// The prompts or texts.
    pub const PROMPTS: &str = "prompts";
    /// The version of the code that ran.
    pub const CODE: &str = "code";
    /// The plan's file, `plan.toml`.
    pub const PLAN: &str = "plan";
    /// The file of the teachers' and the base's own evidence, `evidence/upstream.jsonl`.
    pub const UPSTREAM: &str = "upstream";
    /// The measurements' file, `metrics.jsonl`.
    pub const METRICS: &str = "metrics";
}

/// SLSA provenance v1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// What was asked for and what was used.
    pub build_definition: BuildDefinition,
    /// What happened.
    pub run_details: RunDetails,
}

/// What was asked for and what was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildDefinition {
    /// [`BUILD_TYPE`].
    pub build_type: String,
    /// The plan.
    pub external_parameters: Value,
    /// What the machine added.
    pub internal_parameters: InternalParameters,
    /// Everything that went in, by digest.
    pub resolved_dependencies: Vec<ResourceDescriptor>,
}

/// What decides, beside the plan, which bits come out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InternalParameters {
    /// How many threads computed.
    pub threads: u32,
    /// The instruction set that was used.
    pub isa: String,
    /// The precision of the arithmetic.
    pub precision: String,
    /// The seed.
    pub seed: u64,
    /// The public key of the log that holds the run's evidence; filled in when it is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunDetails {
    /// Who ran it.
    pub builder: Builder,
    /// When, and under which id.
    #[serde(default)]
    pub metadata: Metadata,
    /// What else came out.
    #[serde(default)]
    pub byproducts: Vec<ResourceDescriptor>,
}

/// Who ran it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Builder {
    /// A URI for the builder.
    pub id: String,
    /// The versions of its parts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub version: BTreeMap<String, String>,
}

/// When, and under which id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The run's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation_id: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_on: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_on: Option<String>,
}

/// A thing that went in or came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceDescriptor {
    /// What it is in this run: one of [`name`].
    pub name: String,
    /// Where it is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The digest of its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestSet>,
    /// Further particulars.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, Value>,
}

impl Predicate for Provenance {
    const TYPE: &'static str = "https://slsa.dev/provenance/v1";
}

impl ResourceDescriptor {
    /// A thing known by its bytes.
    pub fn of(name: impl Into<String>, uri: impl Into<String>, digest: Digest) -> Self {
        let digest = Some(DigestSet { sha256: digest });
        Self { name: name.into(), uri: Some(uri.into()), digest, annotations: BTreeMap::new() }
    }

    /// A thing known only by where it is, such as a remote teacher.
    pub fn at(name: impl Into<String>, uri: impl Into<String>) -> Self {
        Self { name: name.into(), uri: Some(uri.into()), digest: None, annotations: BTreeMap::new() }
    }

    /// The code that ran: a package and its version.
    pub fn code(package: &str, version: &str) -> Self {
        Self::at(name::CODE, format!("pkg:cargo/{package}@{version}"))
    }

    /// The model of that name, which the student's first weights were taken from.
    pub fn base(model: &str, digest: Digest) -> Self {
        Self::of(name::BASE, format!("{BASE_URI}{model}"), digest)
    }

    /// The teacher of the source with that id.
    pub fn teacher(source: &str, uri: impl Into<String>, digest: Digest) -> Self {
        Self::of(format!("{}:{source}", name::TEACHER), uri, digest)
    }
}

impl Provenance {
    /// The digest of the dependency of that name.
    pub fn dependency(&self, name: &str) -> Option<Digest> {
        find(&self.build_definition.resolved_dependencies, name)
    }

    /// The name of the model that the student's first weights were taken from, where there was one.
    pub fn base(&self) -> Option<&str> {
        let dependencies = &self.build_definition.resolved_dependencies;
        let uri = dependencies.iter().find(|one| one.name == name::BASE)?.uri.as_deref().unwrap_or_default();
        Some(uri.strip_prefix(BASE_URI).unwrap_or(uri))
    }

    /// The digest of the by-product of that name.
    pub fn byproduct(&self, name: &str) -> Option<Digest> {
        find(&self.run_details.byproducts, name)
    }
}

fn find(among: &[ResourceDescriptor], name: &str) -> Option<Digest> {
    let found = among.iter().find(|resource| resource.name == name);
    found.and_then(|resource| resource.digest).map(|digest| digest.sha256)
}
