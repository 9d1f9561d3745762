//! Everything that decides a score besides the model and the benchmark: the recipe and its digest.

use serde_json::{Value, json};
use stillmark_evidence::Digest;

use super::catalog::HARNESS_VERSION;
use super::filter::Filter;
use super::metric::Metric;
use super::recipe::{Generation, Output, Sampler, Task};

/// How a run asks its task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Examples a prompt.
    pub shots: usize,
    /// The digests of the examples that may be shown, in the order of the pool: of each, its leaf in the benchmark's tree.
    pub shot_leaves: Vec<String>,
    /// The seed of the examples.
    pub seed: u64,
    /// How many records were asked, where not all.
    pub limit: Option<usize>,
    /// Whether prompts are conversations.
    pub chat: Chat,
}

/// Whether prompts are conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chat {
    /// They are plain text.
    No,
    /// They are turned into text by a template.
    Template {
        /// The hexadecimal SHA-256 of the template.
        template_sha256: String,
        /// What the system is told before the description.
        system: Option<String>,
    },
}

impl Setting {
    /// The recipe of a run (docs/spec/evaluation-recipe.md): whoever asks otherwise has another one.
    pub fn recipe(&self, task: &Task) -> Value {
        let (template, system) = match &self.chat {
            Chat::No => (Value::Null, Value::Null),
            Chat::Template { template_sha256, system } => {
                (json!(template_sha256), json!(system.as_deref().map(|text| hex_sha256(text.as_bytes()))))
            }
        };
        let (filters, generation, metrics) = match &task.output {
            Output::Choices { metrics } => {
                (Vec::new(), Value::Null, metrics.iter().map(Metric::as_listed).collect())
            }
            Output::Text { generation, filters, metric } => (
                filters.iter().map(Filter::as_listed).collect(),
                generation.as_listed(),
                vec![metric.as_listed()],
            ),
        };
        let sampler = match task.sampler {
            Sampler::FirstN => "first_n",
            Sampler::Random | Sampler::RandomWithoutOwn => "default",
        };
        // Examples that are never shown decide nothing.
        let leaves: &[String] = match task.sampler {
            _ if self.shots == 0 => &[],
            Sampler::FirstN => &self.shot_leaves[..self.shots.min(self.shot_leaves.len())],
            Sampler::Random | Sampler::RandomWithoutOwn => &self.shot_leaves,
        };
        json!({
            "task": task.name,
            "task_version": task.version,
            "lm_eval_version": HARNESS_VERSION,
            "description": task.description,
            "doc_to_text": task.doc_to_text,
            "doc_to_choice": task.doc_to_choice,
            "target_delimiter": task.delimiter,
            "num_fewshot": self.shots,
            "fewshot_pool_sha256": hex_sha256(leaves.join("\n").as_bytes()),
            "sampler": sampler,
            "seed": self.seed,
            "filter_list": filters,
            "generation_kwargs": generation,
            "metric_list": metrics,
            "aggregation": "mean",
            "chat_template_sha": template,
            "system_instruction_sha": system,
            "limit": self.limit,
        })
    }

    /// The hexadecimal SHA-256 of the recipe's canonical JSON (RFC 8785).
    pub fn digest(&self, task: &Task) -> String {
        let canonical = serde_json_canonicalizer::to_vec(&self.recipe(task)).unwrap_or_default();
        hex_sha256(&canonical)
    }
}

impl Generation {
    /// The arguments of generation as the harness lists them.
    pub fn as_listed(&self) -> Value {
        let mut listed = json!({"until": self.until, "do_sample": false});
        if self.states_temperature {
            listed["temperature"] = json!(0.0);
        }
        if let Some(most) = self.max_gen_toks {
            listed["max_gen_toks"] = json!(most);
        }
        listed
    }
}

fn hex_sha256(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}
