//! What a student starts from: some of its teacher's layers, a shape with random weights, or an existing model.

use std::path::Path;

use stillmark_model::architecture::{layer_name, parameters};
use stillmark_model::decoder::Influence;
use stillmark_model::{Checkpoint, Config, Decoder, TensorSource, Tokenizer};

use crate::plan::{Init, Layers};
use crate::train::Student;
use crate::{Error, Plan};

/// The student of a plan before its first step, and how many token ids, from 0 on, it shares with its teacher.
///
/// Paths are relative to `base`; `texts` are what the influence of the layers of `teacher` (none behind an API) is measured
/// on; `seed` decides random weights. A student whose tokens are not those of `tokenizer` is refused; rows of its embedding beyond them are not.
pub fn student_of(
    plan: &Plan,
    base: &Path,
    teacher: Option<(&Config, &dyn TensorSource, Option<&Decoder>)>,
    texts: &[Vec<u32>],
    tokenizer: &Tokenizer,
    seed: u64,
) -> Result<(Student, usize), Error> {
    let student = match &plan.student().init {
        Init::Teacher { layers, intermediate_size } => {
            let Some((config, weights, decoder)) = teacher else {
                let detail =
                    "is to be made of its teacher's layers, but the teacher is not embedded".to_owned();
                return Err(Error::Student { detail });
            };
            let influence = match (layers, decoder) {
                (Layers::Influence(_), Some(decoder)) if texts.iter().any(|text| !text.is_empty()) => {
                    influence(decoder, texts)?
                }
                (Layers::Influence(_), _) => {
                    let detail =
                        "the influence of the teacher's layers needs the teacher and text to run it on";
                    return Err(Error::Student { detail: detail.to_owned() });
                }
                _ => vec![0.0; config.layers],
            };
            let kept = kept_layers(layers, &influence)?;
            let pruned = Pruned::new((config, weights), kept, *intermediate_size)?;
            Student::from_source(pruned.config().clone(), &pruned)?
        }
        Init::Config { path } => {
            let path = base.join(path);
            let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
            let beside = path.with_file_name("tokenizer.json");
            if beside.exists() {
                tokenizer.shared_ids(&Tokenizer::open(&beside)?)?;
            }
            let config = Config::from_json(&path, &text)?;
            has_rows(&config, tokenizer)?;
            Student::fresh(config, seed)
        }
        Init::Checkpoint { path, .. } => {
            let checkpoint = Checkpoint::open(&base.join(path))?;
            tokenizer.shared_ids(checkpoint.tokenizer()?)?;
            Student::from_source(checkpoint.config().clone(), &checkpoint)?
        }
    };
    has_rows(student.config(), tokenizer)?;
    let rows = teacher.map_or(tokenizer.vocab_size(), |(config, ..)| config.vocab_size);
    let shared = rows.min(student.config().vocab_size);
    Ok((student, shared))
}

/// Every token must have a row of the student's embedding.
fn has_rows(config: &Config, tokenizer: &Tokenizer) -> Result<(), Error> {
    let (rows, tokens) = (config.vocab_size, tokenizer.vocab_size());
    if tokens <= rows {
        return Ok(());
    }
    let detail = format!("its embedding has {rows} rows, but the teacher's tokenizer has {tokens} tokens");
    Err(Error::Student { detail })
}

/// How much each of the teacher's layers turns the residual stream (1 - cosine of input and output), over `documents`.
pub fn influence(teacher: &Decoder, documents: &[Vec<u32>]) -> Result<Vec<f64>, Error> {
    let mut influence = Influence::new(teacher.config().layers);
    for tokens in documents.iter().filter(|tokens| !tokens.is_empty()) {
        let whole = 0..tokens.len();
        teacher.hidden_observed(tokens, std::slice::from_ref(&whole), &mut |pass| influence.add(pass))?;
    }
    Ok(influence.of_layers())
}

/// The layers that a rule keeps of a teacher with `influence.len()` of them, ascending.
pub fn kept_layers(rule: &Layers, influence: &[f64]) -> Result<Vec<usize>, Error> {
    let total = influence.len();
    let too_many = |count: usize| Error::Student {
        detail: format!("the plan keeps {count} layers, but the teacher has {total}"),
    };
    match rule {
        Layers::Keep(layers) => match layers.last() {
            Some(last) if *last < total => Ok(layers.clone()),
            last => Err(Error::Student {
                detail: format!("the plan keeps layer {}, but the teacher has {total}", last.unwrap_or(&0)),
            }),
        },
        Layers::Influence(count) | Layers::Even(count) if *count > total => Err(too_many(*count)),
        Layers::Influence(count) => {
            let mut by_influence: Vec<usize> = (0..total).collect();
            by_influence.sort_by(|a, b| influence[*b].total_cmp(&influence[*a]).then(a.cmp(b)));
            by_influence.truncate(*count);
            by_influence.sort_unstable();
            Ok(by_influence)
        }
        Layers::Even(1) => Ok(vec![0]),
        Layers::Even(count) => Ok((0..*count).map(|idx| idx * (total - 1) / (count - 1)).collect()),
    }
}

/// Weights of a student that is made of its teacher.
#[derive(Debug)]
pub struct Pruned<'a> {
    teacher: &'a dyn TensorSource,
    config: Config,
    layers: Vec<usize>,
    /// The feed-forward neurons kept of each layer, ascending; empty where all are.
    neurons: Vec<Vec<usize>>,
    teacher_neurons: usize,
}

impl<'a> Pruned<'a> {
    /// Keeps `layers` of the teacher (ascending), and of each feed-forward block the `intermediate_size` neurons with the largest
    /// product of the norms of their weights in and out.
    pub fn new(
        (teacher_config, teacher): (&Config, &'a dyn TensorSource),
        layers: Vec<usize>,
        intermediate_size: Option<usize>,
    ) -> Result<Self, Error> {
        let ffn = teacher_config.intermediate_size;
        let kept = intermediate_size.unwrap_or(ffn);
        if kept > ffn {
            let detail = format!("the plan keeps {kept} neurons a layer, but the teacher has {ffn}");
            return Err(Error::Student { detail });
        }
        let mut config = teacher_config.clone();
        config.layers = layers.len();
        config.intermediate_size = kept;
        config.full_attention_layers =
            layers.iter().filter(|layer| **layer < teacher_config.full_attention_layers).count();
        let mut neurons = Vec::new();
        if kept < ffn {
            for layer in &layers {
                neurons.push(strongest(teacher, *layer, (teacher_config.hidden_size, ffn), kept)?);
            }
        }
        Ok(Self { teacher, config, layers, neurons, teacher_neurons: ffn })
    }

    /// The student's shape.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The teacher's layer that is the student's layer `layer`.
    pub fn layers(&self) -> &[usize] {
        &self.layers
    }

    /// Splits a tensor's name of a layer into the student's layer and the rest.
    fn split<'n>(&self, name: &'n str) -> Option<(usize, &'n str)> {
        let (layer, part) = name.strip_prefix("model.layers.")?.split_once('.')?;
        let layer: usize = layer.parse().ok()?;
        (layer < self.layers.len()).then_some((layer, part))
    }
}

impl TensorSource for Pruned<'_> {
    fn tensor(&self, name: &str) -> Result<Vec<f32>, stillmark_model::Error> {
        let Some((layer, part)) = self.split(name) else { return self.teacher.tensor(name) };
        let whole = self.teacher.tensor(&layer_name(self.layers[layer], part))?;
        let Some(neurons) = self.neurons.get(layer) else { return Ok(whole) };
        match part {
            "mlp.gate_proj.weight" | "mlp.up_proj.weight" => {
                let rows: Vec<&[f32]> = whole.chunks_exact(self.config.hidden_size).collect();
                Ok(neurons.iter().flat_map(|neuron| rows[*neuron]).copied().collect())
            }
            "mlp.down_proj.weight" => {
                let rows = whole.chunks_exact(self.teacher_neurons);
                Ok(rows.flat_map(|row| neurons.iter().map(|neuron| row[*neuron])).collect())
            }
            _ => Ok(whole),
        }
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        parameters(&self.config).into_iter().find(|parameter| parameter.name == name).map(|found| found.shape)
    }
}

fn strongest(
    teacher: &dyn TensorSource,
    layer: usize,
    (d, ffn): (usize, usize),
    kept: usize,
) -> Result<Vec<usize>, Error> {
    let square = |value: &f32| f64::from(*value) * f64::from(*value);
    let up = teacher.tensor(&layer_name(layer, "mlp.up_proj.weight"))?;
    let down = teacher.tensor(&layer_name(layer, "mlp.down_proj.weight"))?;
    let into: Vec<f64> = up.chunks_exact(d).map(|row| row.iter().map(square).sum()).collect();
    let mut out = vec![0.0_f64; ffn];
    for row in down.chunks_exact(ffn) {
        for (sum, value) in out.iter_mut().zip(row) {
            *sum += square(value);
        }
    }
    let strength: Vec<f64> = into.iter().zip(out).map(|(into, out)| into * out).collect();
    let mut order: Vec<usize> = (0..ffn.min(strength.len())).collect();
    order.sort_by(|a, b| strength[*b].total_cmp(&strength[*a]).then(a.cmp(b)));
    order.truncate(kept);
    order.sort_unstable();
    Ok(order)
}
