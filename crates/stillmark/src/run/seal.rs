//! The end of a run: the card is written, and everything is signed and logged.

use std::path::Path;

use stillmark_agreement::{self as agreement, Kind, Preset, Word as _};
use stillmark_distill::Plan;
use stillmark_distill::metrics::{Entry, EvaluationRecord};
use stillmark_distill::plan::Precision;
use stillmark_evidence::Digest;
use stillmark_evidence::card::Claims;
use stillmark_evidence::disclosure::Disclosure;
use stillmark_evidence::documents::{self, Told};
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::layout::path;
use stillmark_evidence::manifest::DatasetManifest;
use stillmark_evidence::provenance::{Builder, InternalParameters, Metadata, ResourceDescriptor, name};
use stillmark_evidence::signing::{Draft, read_manifest, seal};
use stillmark_evidence::upstream::Upstream;
use stillmark_kernels::isa::Isa;
use stillmark_ledger::Log;
use stillmark_ledger::note::SigningKey;

use crate::files::{self, Secrecy};
use crate::problem::Problem;

/// What the folder itself does not show.
#[derive(Debug)]
pub(crate) struct Particulars {
    /// The name and digest of the model that the first weights came from, where there was one.
    pub(crate) base: Option<(String, Digest)>,
    /// Where the teacher is from.
    pub(crate) teacher_uri: String,
    /// The evidence of teacher and base, where they come from run folders.
    pub(crate) upstream: Upstream,
    /// Digest of the terms pack that the plan was judged by.
    pub(crate) terms_pack: Digest,
    /// How many threads computed.
    pub(crate) threads: usize,
    /// When the run began and ended, RFC 3339.
    pub(crate) started_on: String,
    /// See `started_on`.
    pub(crate) finished_on: String,
}

/// Writes the card and signs the folder.
pub(crate) fn run_folder(
    folder: &Path,
    plan: &Plan,
    particulars: &Particulars,
    key: &PrivateKey,
) -> Result<(), Problem> {
    let (record, digest) = read_manifest(folder).map_err(|err| Problem::from_error(&err))?;
    let base = particulars.base.iter().map(|(name, _)| name.clone()).collect();
    let claims = Claims::of(&record, digest, base, plan.student().license.as_deref().unwrap_or("other"));
    let disclosure =
        Disclosure { claims: claims.clone(), verdict: record.verdict, duties: record.duties.clone() };
    let mut draft = draft(folder, plan, particulars, &record, disclosure)?;
    let evaluations = documents::evaluations(&files::read_text(&folder.join(path::METRICS))?);
    let card = documents::render(&Told {
        plan: &draft.external_parameters,
        machine: &draft.internal_parameters,
        claims: &claims,
        record: &record,
        evaluations: evaluations.first().copied().zip(evaluations.last().copied()),
        benchmarks: &[],
    });
    files::write(&folder.join(path::CARD), card.as_bytes(), Secrecy::Public)?;
    offer_on(folder, plan, particulars)?;
    let broke =
        |err: stillmark_evidence::Error| Problem::from_error(&err).while_doing("the run could not be signed");
    let pin = |digest| ResourceDescriptor::of(name::UPSTREAM, format!("file:{}", path::UPSTREAM), digest);
    draft.dependencies.extend(particulars.upstream.write(folder).map_err(broke)?.map(pin));
    let mut log = open_log(&folder.join(path::LOG), key)?;
    seal(folder, draft, key, &mut log).map_err(broke)?;
    Ok(())
}

/// Puts the student's own offer at its root, where it is offered on under a preset.
fn offer_on(folder: &Path, plan: &Plan, particulars: &Particulars) -> Result<(), Problem> {
    let license = plan.student().license.as_deref().unwrap_or_default();
    let Some(preset) = Preset::from_word(license) else { return Ok(()) };
    let offered_on = particulars.finished_on.get(..10).unwrap_or_default().parse();
    let draft = agreement::Draft {
        preset,
        asset: plan.student().name.clone(),
        kind: Kind::Weights,
        provider: None,
        ask: None,
        revocations: None,
        receipts: None,
        offered_on: offered_on.map_err(|err| Problem::from_error(&err))?,
    };
    let model = folder.join(path::MODEL);
    files::write(&model.join("distillation.toml"), draft.render().as_bytes(), Secrecy::Public)?;
    files::write(&model.join(format!("{}.md", preset.id())), preset.text().as_bytes(), Secrecy::Public)
}

/// The first and the last evaluation of a run.
pub(crate) fn evaluations(folder: &Path) -> Result<Option<(EvaluationRecord, EvaluationRecord)>, Problem> {
    let entries = stillmark_distill::metrics::read(&folder.join(path::METRICS))
        .map_err(|err| Problem::from_error(&err))?;
    let mut found = entries.into_iter().filter_map(|entry| match entry {
        Entry::Evaluation(record) => Some(record),
        Entry::Step(_) => None,
    });
    let first = found.next();
    let last = found.next_back();
    Ok(first.map(|first| (first, last.unwrap_or(first))))
}

fn draft(
    folder: &Path,
    plan: &Plan,
    particulars: &Particulars,
    record: &DatasetManifest,
    disclosure: Disclosure,
) -> Result<Draft, Problem> {
    let external_parameters = parameters(&files::read_text(&folder.join(path::PLAN))?)?;
    let train = plan.train();
    let precision = match train.precision {
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
    };
    Ok(Draft {
        external_parameters,
        internal_parameters: InternalParameters {
            threads: particulars.threads as u32,
            isa: Isa::detected().name().to_owned(),
            precision: precision.to_owned(),
            seed: train.seed,
            log: None,
        },
        dependencies: dependencies(particulars, record),
        builder: Builder {
            id: "urn:stillmark:cli".to_owned(),
            version: [("stillmark".to_owned(), env!("CARGO_PKG_VERSION").to_owned())].into(),
        },
        metadata: Metadata {
            invocation_id: Some(plan.digest().to_string()),
            started_on: Some(particulars.started_on.clone()),
            finished_on: Some(particulars.finished_on.clone()),
        },
        disclosure: Some(disclosure),
    })
}

/// The plan as JSON; a day becomes its text.
fn parameters(plan: &str) -> Result<serde_json::Value, Problem> {
    fn json(value: toml::Value) -> serde_json::Value {
        match value {
            toml::Value::String(text) => text.into(),
            toml::Value::Integer(number) => number.into(),
            toml::Value::Float(number) => number.into(),
            toml::Value::Boolean(truth) => truth.into(),
            toml::Value::Datetime(day) => day.to_string().into(),
            toml::Value::Array(all) => all.into_iter().map(json).collect(),
            toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json(value))).collect(),
        }
    }
    let table: toml::Table = plan.parse().map_err(|err: toml::de::Error| {
        Problem::new("the plan in the run folder is not TOML").cause(err.message())
    })?;
    Ok(json(toml::Value::Table(table)))
}

fn dependencies(particulars: &Particulars, record: &DatasetManifest) -> Vec<ResourceDescriptor> {
    let mut all = vec![
        ResourceDescriptor::code("stillmark", env!("CARGO_PKG_VERSION")),
        ResourceDescriptor::of(name::TOKENIZER, "urn:stillmark:tokenizer", record.tokenizer),
        ResourceDescriptor::of(name::TERMS_PACK, "urn:stillmark:terms-pack", particulars.terms_pack),
    ];
    if let Some((base, digest)) = &particulars.base {
        all.push(ResourceDescriptor::base(base, *digest));
    }
    for source in &record.sources {
        if let Some(digest) = source.teacher.as_ref().and_then(|teacher| teacher.weights) {
            all.push(ResourceDescriptor::teacher(&source.id, particulars.teacher_uri.clone(), digest));
        }
        if let Some(prompts) = &source.prompts {
            all.push(ResourceDescriptor::of(
                format!("{}:{}", name::PROMPTS, source.id),
                prompts.origin.clone(),
                prompts.digest,
            ));
        }
    }
    all
}

/// Opens the log in a folder, or begins it. The log's Ed25519 key is derived from the signing key, so that a user keeps one secret.
pub(crate) fn open_log(folder: &Path, key: &PrivateKey) -> Result<Log, Problem> {
    Log::open_or_create(folder, log_key(key)?).map_err(|err| not_opened(&err))
}

/// The key of the log of whoever signs with `key`, which is made from it.
pub(crate) fn log_key(key: &PrivateKey) -> Result<SigningKey, Problem> {
    let pem = key.to_pem().map_err(|err| not_opened(&err))?;
    let seed = Digest::of(format!("stillmark log key v1\n{pem}").as_bytes());
    let origin = format!("stillmark.local/{}", &key.public().id().to_string()[..16]);
    SigningKey::from_seed(&origin, seed.as_bytes()).map_err(|err| not_opened(&err))
}

fn not_opened(err: &(dyn std::error::Error + 'static)) -> Problem {
    Problem::from_error(err).while_doing("the log could not be opened")
}
