//! Writes the first inputs of every target to `fuzz/corpus`: the vectors of docs/spec, and small files of our own writers.
//! Run as `cargo run --manifest-path fuzz/Cargo.toml`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::{Value, json};
use stillmark_benchmark::log::inspect;
use stillmark_distill::records::{self, Meta, Record, TopLogprobs, write_distillkit};
use stillmark_model::architecture::parameters;
use stillmark_model::{Config, TensorSource, Tokenizer, gguf, safetensors};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Which member of a vector is the file that a target reads.
const VECTORS: [(&str, &str, &str); 14] = [
    ("bundle", "dsse-bundle", "bundle"),
    ("grant", "grant", "grant"),
    ("offer", "offer", "text"),
    ("plan", "plan", "plan"),
    ("provenance", "provenance-file", "text"),
    ("provenance", "agreement", "text"),
    ("receipt", "receipt", "header"),
    ("gateway_framing", "gateway-wire", "bytes"),
    ("gateway_request", "gateway-wire", "body"),
    ("statement", "dataset-manifest", "statement"),
    ("statement", "distill-run", "statement"),
    ("statement", "model-signature", "statement"),
    ("terms", "terms-pack", "text"),
    ("tlog_proof", "ledger", "proof"),
];

/// Configs of each family and each rotary scaling.
const CONFIGS: [&str; 6] = [
    r#"{"model_type": "llama", "num_key_value_heads": 1, "head_dim": 4, "tie_word_embeddings": true, "eos_token_id": [6]}"#,
    r#"{"model_type": "mistral", "num_key_value_heads": 1, "sliding_window": 8}"#,
    r#"{"model_type": "qwen2", "num_key_value_heads": 2}"#,
    r#"{"model_type": "qwen3", "num_key_value_heads": 2, "head_dim": 8}"#,
    r#"{"model_type": "llama", "rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}"#,
    r#"{"model_type": "llama", "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 512}}"#,
];

const TEMPLATES: [&str; 4] = [
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n<|im_end|>\n' }}{% endif %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "{{- bos_token }}{%- set ns = namespace(n=0) %}{%- for message in messages %}{%- if (message.role == 'user') != (ns.n % 2 == 0) %}{{- raise_exception('roles must alternate') }}{%- endif %}{%- set ns.n = ns.n + 1 %}{{- '[INST] ' ~ message.content.strip() | replace('a', 'b') ~ ' [/INST]' ~ eos_token }}{%- endfor %}",
    "{% macro show(value, depth) %}{% if depth < 3 %}{{ value | tojson(indent=2) }}{{ show([value, {'k': 1.5}], depth + 1) }}{% endif %}{% endmacro %}{{ show(messages, 0) }}{{ strftime_now('%d %b %Y') }}",
    "{% for m in messages[1:] | selectattr('role', 'equalto', 'user') %}{{ m.content.split(' ')[-1].upper() | trim | length }}{% else %}{{ range(3) | list | join(',') }}{% endfor %}{{ messages | map(attribute='role') | unique | list }}",
];

fn main() -> Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = Corpus { folder: fuzz.join("corpus") };
    for (target, vectors, member) in VECTORS {
        for (name, vector) in read_vectors(&fuzz.join("../docs/spec/vectors").join(vectors))? {
            let text = vector[member].as_str().map_or_else(|| vector[member].to_string(), str::to_owned);
            corpus.put(target, &format!("{vectors}-{name}"), text.as_bytes())?;
        }
    }
    for entry in fs::read_dir(fuzz.join("../crates/agreement/terms"))? {
        let entry = entry?;
        corpus.put("terms", &entry.file_name().to_string_lossy(), &fs::read(entry.path())?)?;
    }
    let mut tokenizers = Vec::new();
    for (name, vector) in read_vectors(&fuzz.join("../docs/spec/vectors/tokenizer-digest"))? {
        let text = vector["tokenizer"].to_string();
        corpus.put("tokenizer", &name, text.as_bytes())?;
        tokenizers.extend(Tokenizer::from_json(text, Path::new(&name)).ok());
    }
    for (idx, template) in TEMPLATES.iter().enumerate() {
        corpus.put("chat_template", &idx.to_string(), template.as_bytes())?;
    }
    corpus.put("card", "card", CARD.as_bytes())?;
    // These vectors are files of many cases.
    for (name, cases) in read_vectors(&fuzz.join("../docs/spec/vectors/text-marker"))? {
        for (idx, case) in cases.as_array().into_iter().flatten().enumerate() {
            for member in ["text", "marked", "wrapped"] {
                if let Some(text) = case[member].as_str() {
                    corpus.put("text_marker", &format!("{name}-{idx}-{member}"), text.as_bytes())?;
                }
            }
        }
    }
    for (name, cases) in read_vectors(&fuzz.join("../docs/spec/vectors/watermark-key"))? {
        for (idx, case) in cases.as_array().into_iter().flatten().enumerate() {
            if let Some(text) = case["toml"].as_str() {
                corpus.put("watermark_key", &format!("{name}-{idx}"), text.as_bytes())?;
            }
        }
    }
    models(&corpus, &tokenizers)?;
    records(&corpus)?;
    benchmarks(&corpus, &fuzz.join(".."))
}

struct Corpus {
    folder: PathBuf,
}

impl Corpus {
    fn path(&self, target: &str, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(target);
        fs::create_dir_all(&folder)?;
        Ok(folder.join(name))
    }

    fn put(&self, target: &str, name: &str, bytes: &[u8]) -> Result<()> {
        Ok(fs::write(self.path(target, name)?, bytes)?)
    }
}

fn read_vectors(folder: &Path) -> Result<BTreeMap<String, Value>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.path().is_file() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        found.insert(name, serde_json::from_str(&fs::read_to_string(entry.path())?)?);
    }
    Ok(found)
}

/// Weights of which nothing is asked but their number.
#[derive(Debug)]
struct Waves(Config);

impl TensorSource for Waves {
    fn tensor(&self, name: &str) -> std::result::Result<Vec<f32>, stillmark_model::Error> {
        let length: usize = self.shape(name).map_or(0, |shape| shape.iter().product());
        Ok((0..length).map(|idx| (0.37 * idx as f32).sin()).collect())
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        parameters(&self.0).into_iter().find(|one| one.name == name).map(|one| one.shape)
    }
}

/// A tiny model of each config as config, safetensors, index and GGUF.
fn models(corpus: &Corpus, tokenizers: &[Tokenizer]) -> Result<()> {
    for (idx, text) in CONFIGS.iter().enumerate() {
        let mut whole = json!({
            "vocab_size": 12, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
            "intermediate_size": 32, "bos_token_id": 6, "eos_token_id": 6, "rms_norm_eps": 1e-5
        });
        let changes: Value = serde_json::from_str(text)?;
        for (key, value) in changes.as_object().into_iter().flatten() {
            whole[key] = value.clone();
        }
        corpus.put("config", &idx.to_string(), whole.to_string().as_bytes())?;
        let waves = Waves(Config::from_json(Path::new("config.json"), &whole.to_string())?);
        let tensors = parameters(&waves.0);
        let map: BTreeMap<&str, String> = tensors
            .iter()
            .enumerate()
            .map(|(at, one)| (one.name.as_str(), format!("model-{}.safetensors", at % 3)))
            .collect();
        let index = json!({"metadata": {"total_size": 1}, "weight_map": map});
        corpus.put("safetensors_index", &idx.to_string(), index.to_string().as_bytes())?;
        let precision = if idx % 2 == 0 { safetensors::Precision::F32 } else { safetensors::Precision::Bf16 };
        let few = &tensors[..4];
        let path = corpus.path("safetensors", &idx.to_string())?;
        safetensors::write(&path, precision, &BTreeMap::new(), few, &|name| waves.tensor(name))?;
        let mut metadata =
            tokenizers.iter().find_map(|one| one.gguf_metadata(&waves.0).ok()).unwrap_or_default();
        metadata.push(("tokenizer.chat_template".into(), gguf::Value::Text(TEMPLATES[0].into())));
        let precision = if idx % 2 == 0 { gguf::Precision::F16 } else { gguf::Precision::Q8_0 };
        let export = gguf::Export { config: &waves.0, weights: &waves, metadata: &metadata };
        gguf::write(&corpus.path("gguf", &idx.to_string())?, precision, &export)?;
    }
    Ok(())
}

fn records(corpus: &Corpus) -> Result<()> {
    let mut top = TopLogprobs::new();
    for _ in 0..3 {
        top.push([(5, -0.5), (1, -2.0)]);
    }
    let record = |id: &str| Record {
        id: id.into(),
        source: "a".into(),
        prompt_len: 1,
        input_ids: vec![5, 6, 7],
        top: top.clone(),
        tail_logmass: vec![-3.0; 3],
        text: Some("größer".into()),
        receipt: None,
    };
    let meta = Meta { vocab_size: 8, top_logprobs: 2, logprob_temperature: 1.0, ..Meta::default() };
    let all = [record("a/0"), record("a/1")];
    records::write(&corpus.path("records", "ours")?, &meta, &all)?;
    records::write(&corpus.path("records", "none")?, &meta, &[])?;
    write_distillkit(&corpus.path("records", "distillkit")?, &meta, &all)?;
    Ok(())
}

/// Copies, logs and directories of benchmarks: the vectors, and the files that transcripts and tests read.
fn benchmarks(corpus: &Corpus, root: &Path) -> Result<()> {
    let vectors = root.join("docs/spec/vectors");
    let word = |vector: &Value, member: &str| vector[member].as_str().unwrap_or_default().to_owned();
    for (folder, members) in [("benchmark-digest", &["text"][..]), ("benchmark-diff", &["a", "b"])] {
        for (name, vector) in read_vectors(&vectors.join(folder))? {
            for member in members {
                corpus.put(
                    "benchmark_copy",
                    &format!("{name}-{member}"),
                    word(&vector, member).as_bytes(),
                )?;
            }
        }
    }
    corpus.put("benchmark_copy", "parquet", &copy_as_parquet()?)?;
    for (name, vector) in read_vectors(&vectors.join("benchmark-audit"))? {
        let rows: Vec<&str> =
            vector["rows"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let both = format!("{}\0{}", word(&vector, "results"), rows.join("\n"));
        corpus.put("benchmark_log", &name, both.as_bytes())?;
    }
    for (name, vector) in read_vectors(&vectors.join("contamination-scan"))? {
        let length = (vector["n"].as_u64().unwrap_or(13) - 1) as u8;
        let mut bytes = vec![length];
        bytes.extend(format!("{}\0{}", word(&vector, "question"), word(&vector, "document")).bytes());
        corpus.put("benchmark_scan", &name, &bytes)?;
    }
    let line = b"\x02which of the two\0{\"id\":1,\"text\":\"Which\\u0020of\\tthe \\\"two\\\"\"}\n";
    corpus.put("benchmark_scan", "line", line)?;
    for entry in fs::read_dir(root.join("crates/benchmark/tests/it/foreign"))? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|ending| ending == "eval") {
            let bytes = fs::read(entry.path())?;
            let name = entry.file_name().to_string_lossy().into_owned();
            corpus.put("benchmark_eval_zip", &format!("{name}.json"), &inspect::unpack(&name, &bytes)?)?;
            corpus.put("benchmark_eval_zip", &name, &bytes)?;
        }
    }
    let mlperf = root.join("tests/cli/benchmark-mlperf.in");
    for part in ["accuracy", "performance"] {
        for entry in fs::read_dir(mlperf.join(part))? {
            let entry = entry?;
            let name = format!("{part}-{}", entry.file_name().to_string_lossy());
            corpus.put("benchmark_mlperf", &name, &fs::read(entry.path())?)?;
        }
    }
    corpus.put("benchmark_mlperf", "golds", &fs::read(mlperf.join("golds.jsonl"))?)?;
    corpus.put("benchmark_mlperf", "accuracy.txt", MLPERF_CLAIM.as_bytes())
}

/// A copy of a benchmark as model hubs keep it: three columns, one of them a list.
fn copy_as_parquet() -> Result<Vec<u8>> {
    let schema = "message copy {
        required binary question (UTF8);
        required group choices (LIST) { repeated group list { required binary element (UTF8); } }
        required int64 answer;
    }";
    let properties = WriterProperties::builder().set_compression(parquet::basic::Compression::SNAPPY).build();
    let schema = Arc::new(parse_message_type(schema)?);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    let mut rows = writer.next_row_group()?;
    let mut column = 0;
    while let Some(mut writer) = rows.next_column()? {
        let (questions, choices) = (["Is it?", "Was it?"], ["yes", "no", "yes", "never"]);
        let text = |words: &[&str]| words.iter().map(|word| ByteArray::from(*word)).collect::<Vec<_>>();
        match column {
            0 => writer.typed::<ByteArrayType>().write_batch(&text(&questions), None, None)?,
            1 => writer.typed::<ByteArrayType>().write_batch(
                &text(&choices),
                Some(&[1, 1, 1, 1]),
                Some(&[0, 1, 0, 1]),
            )?,
            _ => writer.typed::<Int64Type>().write_batch(&[0, 1], None, None)?,
        };
        writer.close()?;
        column += 1;
    }
    rows.close()?;
    Ok(writer.into_inner()?)
}

const MLPERF_CLAIM: &str = "accuracy=37.209%, good=16, total=43\nhash=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n";

const CARD: &str = "---
base_model:
- teacher
base_model_relation: finetune
datasets: []
license: apache-2.0
tags:
- distillation
stillmark:
  record: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  tokens: 1000
  shares:
    teacher: 0.75000
    'other: one': 0.25000
---
# Student

<!-- stillmark:claims -->
Distilled from teacher (75.0 % of the training tokens), other: one (25.0 % of the training tokens). Its weights started from teacher. It was trained on 1000 tokens.

Distillation record: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
<!-- /stillmark:claims -->
";
