//! From a teacher and some texts to a smaller student and a signed statement of where it comes from.
//!
//! `cargo run --release -p stillmark-examples -- MODEL TEXTS FOLDER KEY DAY`: a model's folder or `.gguf`, JSON Lines of `id`
//! and `text`, where to write, a key in PEM (`stillmark key new`), and the day that the terms are asked for.
#![forbid(unsafe_code)]

use std::{env, error::Error, fs, ops::ControlFlow, path::Path};

use stillmark_agreement::{Pack, evaluate};
use stillmark_distill::run::{Event, Run};
use stillmark_distill::{Embedded, Plan, Setup, Tokens, teach::EmbeddedTeacher};
use stillmark_evidence::card::{Claims, render_claims_block, render_front_matter};
use stillmark_evidence::provenance::{Builder, InternalParameters, Metadata, ResourceDescriptor, name};
use stillmark_evidence::{Digest, disclosure::Disclosure, keys::PrivateKey, signing};
use stillmark_kernels::gemm::Precision;
use stillmark_ledger::{Log, note::SigningKey};
use stillmark_model::{Checkpoint, Decoder};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [model, texts, folder, key, day] = &words[..] else {
        return Err("MODEL TEXTS FOLDER KEY DAY".into());
    };
    let (folder, base) = (Path::new(folder), Path::new(""));

    // The teacher and its tokenizer.
    let checkpoint = Checkpoint::open(Path::new(model))?;
    let decoder = Decoder::load(checkpoint.config(), &checkpoint, Precision::F32)?;
    let (tokens, teacher) =
        (Tokens::of(&checkpoint)?, Embedded { marking: None, checkpoint: &checkpoint, decoder: &decoder });

    // What is made from what, how, and whether the terms let it be.
    let text = include_str!("distill.toml").replace("MODEL", model).replace("TEXTS", texts);
    let plan = Plan::parse(&text)?;
    let permit = evaluate(&Pack::shipped()?, &plan.provenance()?, &day.parse()?)?.permit(&[])?;

    // The teacher's log-probabilities for the texts, the student, and its files.
    let setup = Setup {
        plan: &plan,
        base,
        folder,
        tokens,
        teacher: Some(teacher),
        teacher_name: "teacher",
        offer: None,
        tool: "example",
    };
    let run = Run::open(&permit, setup)?;
    fs::write(folder.join("plan.toml"), &text)?;
    let go_on = &mut |_: Event| ControlFlow::Continue(());
    run.capture(&permit, &mut EmbeddedTeacher::new(teacher, tokens, &plan), go_on)?;
    run.train(go_on)?;
    run.export(go_on)?;
    disclose(folder, &plan, &checkpoint, &fs::read_to_string(key)?)
}

/// What the student's maker states of it: on its card, and signed.
fn disclose(folder: &Path, plan: &Plan, teacher: &Checkpoint, pem: &str) -> Result<(), Box<dyn Error>> {
    let (record, digest) = signing::read_manifest(folder)?;
    let claims = Claims::of(&record, digest, vec!["teacher".to_owned()], "apache-2.0");
    let card = [render_front_matter(&claims), render_claims_block(&claims)].join("\n# A student\n\n");
    fs::write(folder.join("model/README.md"), card)?;
    let draft = signing::Draft {
        external_parameters: serde_json::json!({ "plan": plan.digest().to_string() }),
        internal_parameters: InternalParameters { precision: "f32".to_owned(), ..Default::default() },
        dependencies: vec![
            ResourceDescriptor::base("teacher", teacher.digest()?),
            ResourceDescriptor::teacher("texts", "file:teacher", teacher.digest()?),
            ResourceDescriptor::of(name::TOKENIZER, "file:teacher", teacher.tokenizer()?.digest()),
        ],
        builder: Builder { id: "urn:stillmark:example".to_owned(), version: [].into() },
        metadata: Metadata::default(),
        disclosure: Some(Disclosure { claims, verdict: record.verdict, duties: record.duties }),
    };
    let log_key = SigningKey::from_seed("example.org/students", Digest::of(pem.as_bytes()).as_bytes())?;
    let mut log = Log::open_or_create(&folder.join("evidence/log"), log_key)?;
    signing::seal(folder, draft, &PrivateKey::from_pem(pem)?, &mut log)?;
    Ok(())
}
