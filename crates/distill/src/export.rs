//! The student's files: Hugging Face's layout, and GGUF where the plan asks for it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;
use stillmark_model::architecture::parameters;
use stillmark_model::gguf::{self, Value};
use stillmark_model::safetensors;
use stillmark_model::{Config, TensorSource};

use crate::plan::{Dtype, Format};
use crate::setup::Tokens;
use crate::{Error, Plan};
use stillmark_evidence::whole_file;

/// Writes `weights` into `folder` in every format of the plan; the tokenizer and the chat template are `tokens`.
pub fn export(
    plan: &Plan,
    (config, weights): (&Config, &dyn TensorSource),
    tokens: Tokens<'_>,
    folder: &Path,
) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
    for format in &plan.export().formats {
        match format {
            Format::Hf => hugging_face(plan, (config, weights), tokens, folder)?,
            Format::GgufF16 => write_gguf(plan, (config, weights), tokens, folder, gguf::Precision::F16)?,
            Format::GgufQ8 => write_gguf(plan, (config, weights), tokens, folder, gguf::Precision::Q8_0)?,
        }
    }
    Ok(())
}

fn hugging_face(
    plan: &Plan,
    (config, weights): (&Config, &dyn TensorSource),
    tokens: Tokens<'_>,
    folder: &Path,
) -> Result<(), Error> {
    let (precision, dtype) = match plan.export().dtype {
        Dtype::F32 => (safetensors::Precision::F32, "float32"),
        Dtype::F16 => (safetensors::Precision::F16, "float16"),
        Dtype::Bf16 => (safetensors::Precision::Bf16, "bfloat16"),
    };
    let mut shape = config.to_json();
    shape["dtype"] = json!(dtype);
    write_json(&folder.join("config.json"), &shape)?;
    let tokenizer = tokens.tokenizer;
    tokenizer.save(&folder.join("tokenizer.json"))?;
    let token = |id: Option<&u32>| id.and_then(|id| tokenizer.token(*id));
    let mut settings = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": token(config.bos.as_ref()),
        "eos_token": token(config.eos.first()),
        "model_max_length": config.max_positions,
        "clean_up_tokenization_spaces": false,
    });
    if let Some(template) = tokens.chat {
        settings["chat_template"] = json!(template.source());
    }
    write_json(&folder.join("tokenizer_config.json"), &settings)?;
    let generation = json!({ "bos_token_id": config.bos, "eos_token_id": config.eos });
    write_json(&folder.join("generation_config.json"), &generation)?;
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    let file = folder.join("model.safetensors");
    safetensors::write(&file, precision, &metadata, &parameters(config), &|name| weights.tensor(name))?;
    Ok(())
}

fn write_gguf(
    plan: &Plan,
    (config, weights): (&Config, &dyn TensorSource),
    tokens: Tokens<'_>,
    folder: &Path,
    precision: gguf::Precision,
) -> Result<(), Error> {
    let mut metadata = vec![("general.name".to_owned(), Value::Text(plan.student().name.clone()))];
    if let Some(license) = &plan.student().license {
        metadata.push(("general.license".to_owned(), Value::Text(license.clone())));
    }
    metadata.extend(tokens.tokenizer.gguf_metadata(config)?);
    if let Some(template) = tokens.chat {
        metadata.push(("tokenizer.chat_template".to_owned(), Value::Text(template.source().to_owned())));
    }
    let suffix = match precision {
        gguf::Precision::F16 => "F16",
        gguf::Precision::Q8_0 => "Q8_0",
    };
    let file = folder.join(format!("{}.{suffix}.gguf", plan.student().name.replace(' ', "-")));
    gguf::write(&file, precision, &gguf::Export { config, weights, metadata: &metadata })?;
    Ok(())
}

fn write_json(path: &Path, value: &serde_json::Value) -> Result<(), Error> {
    let mut text = format!("{value:#}");
    text.push('\n');
    whole_file::write(path, text.as_bytes()).map_err(Error::io(path))
}
