//! Every table of the plan but `[train]`, and the rules that join them.

use toml::de::DeTable;

use super::reader::{Reader, line_of};
use super::{
    Accepted, Api, Capture, Declared, Dtype, Export, Format, Init, KeyPlace, Layers, Loss, LossKind, Place,
    Plan, Remote, Source, SourceAt, SourceKind, Student, Support, Teacher, TrainPlan, canonical, publisher,
    train,
};
use crate::Error;

const TABLES: &[&str] = &[
    "student",
    "teacher",
    "prompts",
    "texts",
    "capture",
    "train",
    "export",
    "declared",
    "accepted",
    "publisher",
];

/// Names of the prompt files shipped with this crate.
const BUILT_IN: &[(&str, &str)] = &[("quickstart", "quickstart"), ("held-out", "held-out")];

impl Plan {
    /// Parses a plan, refusing whatever it does not understand.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let document = DeTable::parse(text).map_err(|error| Error::Plan {
            line: error.span().map_or(0, |span| line_of(text, span.start)),
            detail: error.message().to_owned(),
        })?;
        let plan = Reader::open(text, String::new(), &document, TABLES)?;
        let teacher = teacher(&plan)?;
        let student = student(&plan)?;
        let capture = capture(&plan, &teacher)?;
        let sources = sources(&plan, &capture)?;
        let train = train::read(&plan)?;
        join(&plan, &student, &teacher, (&capture, &sources, &train))?;
        Ok(Self {
            export: export(&plan)?,
            declared: declared(&plan)?,
            accepted: accepted(&plan)?,
            publisher: publisher::read(&plan)?,
            canonical: canonical::render(document.get_ref()),
            student,
            teacher,
            sources,
            capture,
            train,
        })
    }
}

fn student(plan: &Reader<'_>) -> Result<Student, Error> {
    let table = plan.required("student", plan.table("student", &["name", "license", "init"])?)?;
    let name = table.required("name", table.text("name")?)?;
    if name.len() > 96
        || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_. ".contains(letter))
    {
        return Err(
            table.error("name", "may hold letters, digits, `-`, `_`, `.` and spaces, at most 96 of them")
        );
    }
    Ok(Student { name, license: table.text("license")?, init: init(&table)? })
}

fn init(student: &Reader<'_>) -> Result<Init, Error> {
    let known = &["from", "layers", "keep", "by", "intermediate_size", "path", "terms"];
    let table = student.required("init", student.table("init", known)?)?;
    let from = table.required("from", table.text("from")?)?;
    let foreign: &[&str] =
        match table.pick("from", &from, &[("teacher", 0), ("config", 1), ("checkpoint", 2)])? {
            0 => &["path", "terms"],
            1 => &["layers", "keep", "by", "intermediate_size", "terms"],
            _ => &["layers", "keep", "by", "intermediate_size"],
        };
    if let Some(key) = foreign.iter().find(|key| table.has(key)) {
        return Err(table.error(key, &format!("does not go with `from = \"{from}\"`")));
    }
    if from == "teacher" {
        let intermediate_size = table.count("intermediate_size", 1..=1_000_000)?.map(|size| size as usize);
        return Ok(Init::Teacher { layers: layers(&table)?, intermediate_size });
    }
    let path = table.required("path", table.text("path")?)?;
    if from == "config" {
        return Ok(Init::Config { path });
    }
    Ok(Init::Checkpoint { path, terms: table.texts("terms")?.unwrap_or_default() })
}

fn layers(table: &Reader<'_>) -> Result<Layers, Error> {
    if table.has("keep") {
        if let Some(key) = ["layers", "by"].into_iter().find(|key| table.has(key)) {
            return Err(table.error(key, "and `keep` exclude each other"));
        }
        let keep = table.counts("keep", &(0..=1023))?.unwrap_or_default();
        if keep.is_empty() || !keep.is_sorted_by(|a, b| a < b) {
            return Err(table.error("keep", "must list at least one layer, ascending, each once"));
        }
        return Ok(Layers::Keep(keep.into_iter().map(|layer| layer as usize).collect()));
    }
    let count = table.required("layers", table.count("layers", 1..=1024)?)? as usize;
    let rules = [("influence", Layers::Influence as fn(usize) -> Layers), ("even", Layers::Even)];
    Ok(table.choice("by", &rules)?.unwrap_or(Layers::Influence)(count))
}

fn teacher(plan: &Reader<'_>) -> Result<Teacher, Error> {
    let remote = ["api", "key_env", "key_file", "concurrency", "tokenizer"];
    let known = [&["model", "url", "terms", "grant", "offer"][..], &remote[..]].concat();
    let table = plan.required("teacher", plan.table("teacher", &known)?)?;
    let model = table.required("model", table.text("model")?)?;
    let terms = table.texts("terms")?.unwrap_or_default();
    let (grant, offer) = (table.text("grant")?, table.text("offer")?);
    let Some(url) = table.text("url")? else {
        if let Some(key) = remote.iter().find(|key| table.has(key)) {
            return Err(table.error(key, "belongs to a teacher with a `url`"));
        }
        return Ok(Teacher { place: Place::Embedded { model }, terms, grant, offer });
    };
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return Err(table.error("url", "must begin with `https://` or `http://`"));
    }
    let key = match (table.text("key_env")?, table.text("key_file")?) {
        (Some(_), Some(_)) => return Err(table.error("key_file", "and `key_env` exclude each other")),
        (Some(name), None) => Some(KeyPlace::Env(name)),
        (None, Some(path)) => Some(KeyPlace::File(path)),
        (None, None) => None,
    };
    let api = table.choice("api", &[("chat", Api::Chat), ("completions", Api::Completions)])?;
    let tokenizer = table.required("tokenizer", table.text("tokenizer")?)?;
    let concurrency = table.count("concurrency", 1..=256)?.unwrap_or(4) as usize;
    let place =
        Place::Remote(Remote { url, model, api: api.unwrap_or(Api::Chat), key, concurrency, tokenizer });
    Ok(Teacher { place, terms, grant, offer })
}

fn sources(plan: &Reader<'_>, capture: &Capture) -> Result<Vec<Source>, Error> {
    let known = &["id", "builtin", "file", "share", "origin", "terms"];
    let mut sources: Vec<Source> = Vec::new();
    for (name, kind) in [("prompts", SourceKind::Prompts), ("texts", SourceKind::Texts)] {
        for table in plan.tables(name, known)? {
            let source = source(&table, kind)?;
            if sources.iter().any(|other| other.id == source.id) {
                return Err(table.error("id", &format!("`{}` is taken by another source", source.id)));
            }
            if table.has("share") && capture.records.is_none() {
                return Err(table.error("share", "needs `capture.records`, the number it is a share of"));
            }
            sources.push(source);
        }
    }
    if sources.is_empty() {
        return Err(plan.error("prompts", "or `texts` is missing: nothing to ask the teacher"));
    }
    let given = sources.iter().filter(|source| source.share > 0.0).count();
    if given == 0 {
        let share = 1.0 / sources.len() as f64;
        for source in &mut sources {
            source.share = share;
        }
    } else if given < sources.len() || (sources.iter().map(|s| s.share).sum::<f64>() - 1.0).abs() > 1e-6 {
        return Err(plan.error("prompts", "and `texts`: give every source a `share`, together 1, or none"));
    }
    Ok(sources)
}

fn source(table: &Reader<'_>, kind: SourceKind) -> Result<Source, Error> {
    let at = match (table.text("builtin")?, table.text("file")?) {
        (Some(name), None) => SourceAt::BuiltIn(table.pick("builtin", &name, BUILT_IN)?.to_owned()),
        (None, Some(file)) => SourceAt::File(file),
        (Some(_), Some(_)) => return Err(table.error("file", "and `builtin` exclude each other")),
        (None, None) => return Err(table.error("file", "or `builtin` is missing")),
    };
    let id = match (table.text("id")?, &at) {
        (Some(id), _) => id,
        (None, SourceAt::BuiltIn(name)) => name.clone(),
        (None, SourceAt::File(file)) => file.clone(),
    };
    let terms = match (table.texts("terms")?, &at) {
        (Some(terms), _) => terms,
        (None, SourceAt::BuiltIn(_)) => vec!["cc0-1.0".to_owned()],
        (None, SourceAt::File(_)) => Vec::new(),
    };
    let share = table.real("share", 1e-6..=1.0)?.unwrap_or(0.0);
    Ok(Source { id, kind, at, share, origin: table.text("origin")?, terms })
}

fn capture(plan: &Reader<'_>, teacher: &Teacher) -> Result<Capture, Error> {
    let known = &[
        "records",
        "temperature",
        "top_k",
        "top_p",
        "min_p",
        "max_tokens",
        "top_logprobs",
        "max_length",
        "seed",
        "shard_rows",
        "system",
        "watermark",
    ];
    let table = plan.required("capture", plan.table("capture", known)?)?;
    // As many as the widely used APIs give.
    let usual = match &teacher.place {
        Place::Embedded { .. } => 64,
        Place::Remote(Remote { api: Api::Chat, .. }) => 20,
        Place::Remote(Remote { api: Api::Completions, .. }) => 5,
    };
    let capture = Capture {
        records: table.count("records", 1..=100_000_000)?.map(|records| records as usize),
        temperature: table.real("temperature", 0.0..=10.0)?.unwrap_or(1.0),
        top_k: table.count("top_k", 0..=1_000_000)?.unwrap_or(0) as usize,
        top_p: table.real("top_p", 0.000_1..=1.0)?.unwrap_or(1.0),
        min_p: table.real("min_p", 0.0..=1.0)?.unwrap_or(0.0),
        max_tokens: table.count("max_tokens", 1..=131_072)?.unwrap_or(256) as usize,
        top_logprobs: table.count("top_logprobs", 0..=4096)?.unwrap_or(usual) as usize,
        max_length: table.count("max_length", 2..=131_072)?.unwrap_or(1024) as usize,
        seed: table.count("seed", 0..=i64::MAX as u64)?.unwrap_or(0),
        shard_rows: table.count("shard_rows", 1..=1_000_000)?.unwrap_or(128) as usize,
        system: table.text("system")?,
        watermark_key: watermark_key(&table, teacher)?,
    };
    if capture.max_length <= capture.max_tokens {
        let why = format!("must exceed `max_tokens` ({}), so that a prompt fits", capture.max_tokens);
        return Err(table.error("max_length", &why));
    }
    Ok(capture)
}

fn watermark_key(capture: &Reader<'_>, teacher: &Teacher) -> Result<Option<String>, Error> {
    let Some(table) = capture.table("watermark", &["key"])? else { return Ok(None) };
    let key = table.required("key", table.text("key")?)?;
    if matches!(teacher.place, Place::Remote(_)) {
        let why = "does not go with a teacher behind a `url`: a remote server's sampling cannot be marked from here; \
                   mark there, or use `watermark generate --key best-of-n`";
        return Err(capture.error("watermark", why));
    }
    Ok(Some(key))
}

fn export(plan: &Reader<'_>) -> Result<Export, Error> {
    let forms = [("hf", Format::Hf), ("gguf-f16", Format::GgufF16), ("gguf-q8_0", Format::GgufQ8)];
    let Some(table) = plan.table("export", &["formats", "dtype"])? else {
        return Ok(Export { formats: vec![Format::Hf], dtype: Dtype::Bf16 });
    };
    let names = table.texts("formats")?.unwrap_or_else(|| vec!["hf".to_owned()]);
    let formats: Vec<Format> =
        names.iter().map(|name| table.pick("formats", name, &forms)).collect::<Result<_, _>>()?;
    if !formats.contains(&Format::Hf) {
        return Err(table.error("formats", "must hold `hf`: it is what is signed"));
    }
    let dtypes = [("f32", Dtype::F32), ("f16", Dtype::F16), ("bf16", Dtype::Bf16)];
    Ok(Export { formats, dtype: table.choice("dtype", &dtypes)?.unwrap_or(Dtype::Bf16) })
}

fn declared(plan: &Reader<'_>) -> Result<Declared, Error> {
    let known = &[
        "commercial",
        "audience",
        "competes",
        "monthly_active_users",
        "revenue_usd_per_year",
        "private_classifier",
        "family",
    ];
    let Some(table) = plan.table("declared", known)? else { return Ok(Declared::default()) };
    let audiences = [("private", "private"), ("served", "served"), ("distributed", "distributed")];
    Ok(Declared {
        commercial: table.flag("commercial")?,
        audience: table.choice("audience", &audiences)?.map(str::to_owned),
        competes: table.flag("competes")?,
        monthly_active_users: table.count("monthly_active_users", 0..=i64::MAX as u64)?,
        revenue_usd_per_year: table.count("revenue_usd_per_year", 0..=i64::MAX as u64)?,
        private_classifier: table.flag("private_classifier")?,
        family: table.text("family")?,
    })
}

fn accepted(plan: &Reader<'_>) -> Result<Vec<Accepted>, Error> {
    let tables = plan.tables("accepted", &["ask", "person", "date", "reason"])?;
    let mut all: Vec<Accepted> = Vec::new();
    for table in tables {
        let ask = table.required("ask", table.text("ask")?)?;
        if all.iter().any(|other| other.ask == ask) {
            return Err(table.error("ask", "is accepted twice"));
        }
        let person = table.required("person", table.text("person")?)?;
        let date = table.required("date", table.date("date")?)?;
        let reason = table.required("reason", table.text("reason")?)?;
        all.push(Accepted { ask, person, date, reason });
    }
    Ok(all)
}

/// The rules that join the tables: a loss needs what it is computed from.
fn join(
    plan: &Reader<'_>,
    student: &Student,
    teacher: &Teacher,
    (capture, sources, train): (&Capture, &[Source], &TrainPlan),
) -> Result<(), Error> {
    let embedded = matches!(teacher.place, Place::Embedded { .. });
    if !embedded && matches!(student.init, Init::Teacher { .. }) {
        return Err(plan.error("student", "cannot start from the layers of a teacher behind a `url`"));
    }
    if !embedded && train.on_policy > 0.0 {
        return Err(plan.error("train", "with `on_policy` needs an embedded teacher"));
    }
    if train.on_policy > 0.0 && train.losses.iter().all(|loss| loss.kind == LossKind::CrossEntropy) {
        return Err(plan.error("train", "with `on_policy` needs a loss that compares with the teacher"));
    }
    if let Place::Remote(remote) = &teacher.place {
        join_remote(plan, remote, capture, sources)?;
    }
    if capture.watermark_key.is_some() && sources.iter().all(|source| source.kind != SourceKind::Prompts) {
        return Err(
            plan.error("capture", "has a `watermark`, but without `prompts` there are no answers to mark")
        );
    }
    let mut supports = train.losses.iter().filter(|loss| loss.kind != LossKind::CrossEntropy);
    let first = supports.next().map(|loss| loss.support);
    if supports.any(|loss| Some(loss.support) != first) {
        return Err(plan.error("train", "holds losses of both supports; choose one for all"));
    }
    for loss in &train.losses {
        if needs_teacher_beside(loss) && !embedded {
            return Err(plan.error("train", "holds a loss that needs an embedded teacher beside the student"));
        }
        let recorded = !needs_teacher_beside(loss) && loss.kind != LossKind::CrossEntropy;
        if recorded && capture.top_logprobs == 0 {
            let why = "holds a loss over recorded log-probabilities, but `capture.top_logprobs` is 0";
            return Err(plan.error("train", why));
        }
    }
    Ok(())
}

/// What an API cannot do must not be asked of it.
fn join_remote(
    plan: &Reader<'_>,
    remote: &Remote,
    capture: &Capture,
    sources: &[Source],
) -> Result<(), Error> {
    for (key, is_set) in [("top_k", capture.top_k > 0), ("min_p", capture.min_p > 0.0)] {
        if is_set {
            let why = format!("sets `{key}`, which the API of a teacher behind a `url` does not have");
            return Err(plan.error("capture", &why));
        }
    }
    let texts = sources.iter().any(|source| source.kind == SourceKind::Texts);
    if texts && (remote.api == Api::Chat || capture.top_logprobs == 0) {
        let why = "can be scored by a teacher behind a `url` only with `api = \"completions\"` and `capture.top_logprobs` above 0";
        return Err(plan.error("texts", why));
    }
    Ok(())
}

fn needs_teacher_beside(loss: &Loss) -> bool {
    loss.kind != LossKind::CrossEntropy && loss.support == Support::Full
}
