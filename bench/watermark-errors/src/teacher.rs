//! The model that answers, and the prompts it is asked.

use serde_json::Value;
use stillmark_kernels::gemm::Precision;
use stillmark_model::chat::{Ending, Message};
use stillmark_model::{Checkpoint, Decoder};

use crate::options::Options;

/// Prompts of more tokens than this are left out.
const LONGEST: usize = 160;

/// An open model.
pub(crate) struct Teacher {
    checkpoint: Checkpoint,
}

impl Teacher {
    pub(crate) fn open(options: &Options) -> Result<Self, String> {
        let checkpoint = Checkpoint::open(&options.model).map_err(|error| error.to_string())?;
        Ok(Self { checkpoint })
    }

    pub(crate) fn decoder(&self) -> Result<Decoder, String> {
        let decoder = Decoder::load(self.checkpoint.config(), &self.checkpoint, Precision::Bf16);
        decoder.map_err(|error| error.to_string())
    }

    pub(crate) fn encode(&self, text: &str) -> Result<Vec<u32>, String> {
        let tokenizer = self.checkpoint.tokenizer().map_err(|error| error.to_string())?;
        tokenizer.encode(text).map_err(|error| error.to_string())
    }

    pub(crate) fn decode(&self, tokens: &[u32]) -> Result<String, String> {
        let tokenizer = self.checkpoint.tokenizer().map_err(|error| error.to_string())?;
        tokenizer.decode(tokens).map_err(|error| error.to_string())
    }

    /// The first prompts of Arena-Hard v0.1 that are not too long, as conversations of one question.
    pub(crate) fn prompts(&self, options: &Options, count: usize) -> Result<Vec<Vec<u32>>, String> {
        let template = self.checkpoint.chat_template().ok_or("the model has no chat template")?;
        let text = options.shared_text("traffic/arena-hard-v0.1.jsonl")?;
        let mut prompts = Vec::new();
        for line in text.lines() {
            let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
            let message = Message::new("user", value["prompt"].as_str().unwrap_or_default());
            let rendered =
                template.render(&[message], Ending::Generation).map_err(|error| error.to_string())?;
            let tokens = self.encode(&rendered)?;
            if tokens.len() <= LONGEST {
                prompts.push(tokens);
            }
            if prompts.len() == count {
                break;
            }
        }
        Ok(prompts)
    }
}
