//! What a student starts from: some of its teacher's layers, a shape with random weights, or an existing model.

use stillmark_model::architecture::{layer_name, parameters};
use stillmark_model::decoder::Influence;
use stillmark_model::{Checkpoint, Config, Decoder, TensorSource, Tokenizer};

use crate::Error;
use crate::plan::{Init, Layers};
use crate::setup::{Embedded, Setup};
use crate::train::Student;

/// What a student is before its first step.
#[derive(Debug)]
pub enum Start<'a> {
    /// Layers of its teacher.
    Layers(Pruned<'a>),
    /// A shape with random weights.
    Random {
        /// The shape.
        config: Config,
        /// What the weights follow from.
        seed: u64,
    },
    /// An existing model.
    Model(Box<Checkpoint>),
}

impl<'a> Start<'a> {
    /// As the plan says; `texts` are what the influence of the teacher's layers is measured on, fetched only where it is.
    /// A student whose tokens are not the teacher's is refused; rows of its embedding beyond them are not.
    pub fn of(
        setup: &Setup<'a>,
        texts: &mut dyn FnMut() -> Result<Vec<Vec<u32>>, Error>,
    ) -> Result<Self, Error> {
        let tokenizer = setup.tokens.tokenizer;
        let start = match &setup.plan.student().init {
            Init::Teacher { layers, intermediate_size } => {
                let Some(Embedded { checkpoint, decoder, .. }) = setup.teacher else {
                    let detail = "is to be made of its teacher's layers, but the teacher is not embedded";
                    return Err(Error::Student { detail: detail.to_owned() });
                };
                let influence = match layers {
                    Layers::Influence(_) => influence(decoder, &texts()?)?,
                    Layers::Even(_) | Layers::Keep(_) => vec![0.0; decoder.config().layers],
                };
                let kept = kept_layers(layers, &influence)?;
                Self::Layers(Pruned::new((checkpoint.config(), checkpoint), kept, *intermediate_size)?)
            }
            Init::Config { path } => {
                let path = setup.base.join(path);
                let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
                let beside = path.with_file_name("tokenizer.json");
                if beside.exists() {
                    tokenizer.shared_ids(&Tokenizer::open(&beside)?)?;
                }
                Self::Random { config: Config::from_json(&path, &text)?, seed: setup.plan.train().seed }
            }
            Init::Checkpoint { path, .. } => {
                let checkpoint = Checkpoint::open(&setup.base.join(path))?;
                tokenizer.shared_ids(checkpoint.tokenizer()?)?;
                Self::Model(Box::new(checkpoint))
            }
        };
        has_rows(start.config(), tokenizer)?;
        Ok(start)
    }

    /// The student's shape.
    pub fn config(&self) -> &Config {
        match self {
            Self::Layers(pruned) => pruned.config(),
            Self::Random { config, .. } => config,
            Self::Model(checkpoint) => checkpoint.config(),
        }
    }

    /// The student.
    pub fn student(&self) -> Result<Student, Error> {
        let config = self.config().clone();
        match self {
            Self::Layers(pruned) => Student::from_source(config, pruned),
            Self::Random { seed, .. } => Ok(Student::fresh(config, *seed)),
            Self::Model(checkpoint) => Student::from_source(config, &**checkpoint),
        }
    }
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
    if documents.iter().all(Vec::is_empty) {
        let detail = "the influence of the teacher's layers needs text to run it on".to_owned();
        return Err(Error::Student { detail });
    }
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
