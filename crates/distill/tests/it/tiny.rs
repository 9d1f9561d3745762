//! A whole model of few tokens on the disk, plans that name it, and permits for them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Value, json};
use stillmark_agreement::{Pack, Permit, evaluate};
use stillmark_distill::plan::Precision;
use stillmark_distill::run::{Event, Outcome, Run};
use stillmark_distill::teach::EmbeddedTeacher;
use stillmark_distill::train::Student;
use stillmark_distill::{Embedded, Error, Marking, Plan, Setup, Tokens};
use stillmark_kernels::gemm;
use stillmark_model::architecture::parameters;
use stillmark_model::{Checkpoint, Config, Decoder, Family, Rope, RopeScaling, TensorSource, safetensors};

/// Tokens of the tokenizer: every byte, three pairs, and two special ones.
pub(crate) const TOKENS: usize = 261;
/// The id of the token that ends a turn.
pub(crate) const END: u32 = 260;
const CHAT: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}\
                    {% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/// A tokenizer of every byte; `pair` is one of the pairs.
pub(crate) fn tokenizer(pair: &str) -> Value {
    let printable = |byte: u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let mut vocab = BTreeMap::new();
    let mut others = 256;
    for byte in 0..256 {
        let letter = if printable(byte) {
            byte
        } else {
            others += 1;
            others - 1
        };
        vocab.insert(char::from_u32(letter).unwrap().to_string(), byte);
    }
    let mut merges = Vec::new();
    for (id, pair) in ["he", "in", pair].into_iter().enumerate() {
        vocab.insert(pair.to_owned(), 256 + id as u32);
        merges.push([&pair[..1], &pair[1..]]);
    }
    let special = |id: u32, content: &str| {
        json!({ "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true })
    };
    json!({
        "version": "1.0", "added_tokens": [special(259, "<|im_start|>"), special(END, "<|im_end|>")],
        "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true },
        "decoder": { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true },
        "model": { "type": "BPE", "ignore_merges": false, "vocab": vocab, "merges": merges }
    })
}

/// A shape with this many rows of the embedding.
pub(crate) fn config(vocab_size: usize) -> Config {
    Config {
        family: Family::Llama,
        vocab_size,
        hidden_size: 16,
        layers: 3,
        heads: 2,
        kv_heads: 1,
        head_dim: 8,
        intermediate_size: 24,
        rms_norm_eps: 1e-5,
        rope: Rope { theta: 10_000.0, scaling: RopeScaling::None },
        max_positions: 256,
        tied_embeddings: true,
        qkv_bias: false,
        qk_norm: false,
        sliding_window: None,
        full_attention_layers: 0,
        bos: None,
        eos: vec![END],
    }
}

/// Weights that are large enough for a model to have opinions; rows beyond the tokens are zero.
#[derive(Debug)]
struct Loud(Student);

impl TensorSource for Loud {
    fn tensor(&self, name: &str) -> Result<Vec<f32>, stillmark_model::Error> {
        let mut tensor = self.0.tensor(name)?;
        if self.shape(name).is_some_and(|shape| shape.len() == 2) {
            for x in &mut tensor {
                *x *= 12.0;
            }
        }
        if name == "model.embed_tokens.weight" {
            let width = self.0.config().hidden_size;
            tensor[TOKENS * width..].fill(0.0);
        }
        Ok(tensor)
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.0.shape(name)
    }
}

/// Writes a model whose weights follow from `seed`, with the tokenizer of `pair`.
pub(crate) fn write_model(folder: &Path, config: &Config, seed: u64, pair: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let write = |name: &str, value: &Value| std::fs::write(folder.join(name), value.to_string()).unwrap();
    write("config.json", &config.to_json());
    write("tokenizer.json", &tokenizer(pair));
    write("tokenizer_config.json", &json!({ "chat_template": CHAT, "eos_token": "<|im_end|>" }));
    let weights = Loud(Student::fresh(config.clone(), seed));
    let (file, precision) = (folder.join("model.safetensors"), safetensors::Precision::F32);
    safetensors::write(&file, precision, &BTreeMap::new(), &parameters(config), &|name| weights.tensor(name))
        .unwrap();
}

/// A plan with this start of the student, teacher, and further words for the tables.
pub(crate) fn plan(init: &str, teacher: &str, sources: &str, capture: &str, train: &str) -> Plan {
    Plan::parse(&plan_text(init, teacher, sources, capture, train)).unwrap()
}

/// Its text.
pub(crate) fn plan_text(init: &str, teacher: &str, sources: &str, capture: &str, train: &str) -> String {
    format!(
        "[student]\nname = \"s\"\nlicense = \"mit\"\ninit = {init}\n[teacher]\n{teacher}\nterms = [\"apache-2.0\"]\n{sources}\n\
         [capture]\nmax_tokens = 12\nmax_length = 96\nshard_rows = 4\n{capture}\n\
         [train]\nsteps = 6\nseq_len = 96\nbatch = 2\ncheckpoint_every = 2\nkeep = 0\nheld_out = 0.2\n{train}\n\
         [export]\ndtype = \"f32\"\n"
    )
}

/// Prompts as a file, and the table that names them.
pub(crate) fn write_prompts(folder: &Path, n: usize) -> String {
    let lines = (0..n)
        .map(|at| json!({ "id": at.to_string(), "text": format!("the {at}th thing") }).to_string() + "\n");
    std::fs::write(folder.join("prompts.jsonl"), lines.collect::<String>()).unwrap();
    "[[prompts]]\nfile = \"prompts.jsonl\"\nterms = [\"cc0-1.0\"]".to_owned()
}

pub(crate) fn permit(plan: &Plan) -> Permit {
    let pack = Pack::shipped().unwrap();
    let on = "2026-11-23".parse().unwrap();
    evaluate(&pack, &plan.provenance().unwrap(), &on).unwrap().permit(&[]).unwrap()
}

/// An embedded teacher out of a folder.
pub(crate) struct Model {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) decoder: Decoder,
    pub(crate) marking: Option<Marking>,
}

impl Model {
    pub(crate) fn open(folder: &Path, plan: &Plan) -> Self {
        let checkpoint = Checkpoint::open(folder).unwrap();
        let precision = match plan.train().precision {
            Precision::F32 => gemm::Precision::F32,
            Precision::Bf16 => gemm::Precision::Bf16,
        };
        let decoder = Decoder::load(checkpoint.config(), &checkpoint, precision).unwrap();
        Self { checkpoint, decoder, marking: None }
    }

    pub(crate) fn tokens(&self) -> Tokens<'_> {
        Tokens::of(&self.checkpoint).unwrap()
    }

    /// The teacher as a run is given it.
    pub(crate) fn embedded(&self) -> Embedded<'_> {
        let marking = self.marking.as_ref();
        Embedded { marking, checkpoint: &self.checkpoint, decoder: &self.decoder }
    }

    /// Opens the run folder `base/name` of this plan.
    pub(crate) fn run<'a>(
        &'a self,
        plan: &'a Plan,
        base: &'a Path,
        folder: &'a Path,
    ) -> Result<Run<'a>, Error> {
        let teacher = Some(self.embedded());
        let setup = Setup {
            plan,
            base,
            folder,
            tokens: self.tokens(),
            teacher,
            teacher_name: "t",
            offer: None,
            tool: "test",
        };
        Run::open(&permit(plan), setup)
    }

    /// The teacher, ready to be asked.
    pub(crate) fn teacher<'a>(&'a self, plan: &'a Plan) -> EmbeddedTeacher<'a> {
        EmbeddedTeacher::new(self.embedded(), self.tokens(), plan)
    }
}

/// Carries out capture, training and export, beginning anew wherever `stops` says so.
pub(crate) fn carry_out(
    model: &Model,
    plan: &Plan,
    base: &Path,
    folder: &Path,
    stops: &mut dyn FnMut(&Event) -> bool,
) {
    let mut listener =
        |event: Event| if stops(&event) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    loop {
        let run = model.run(plan, base, folder).unwrap();
        let done = |outcome: Result<Outcome, Error>| outcome.unwrap() == Outcome::Done;
        if done(run.capture(&permit(plan), &mut model.teacher(plan), &mut listener))
            && done(run.train(&mut listener))
            && done(run.export(&mut listener))
        {
            return;
        }
    }
}
