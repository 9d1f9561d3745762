//! Batches of records, and students of their teacher's layers.

use std::collections::BTreeMap;

use stillmark_distill::Plan;
use stillmark_distill::feed::Batches;
use stillmark_distill::init::{Pruned, kept_layers};
use stillmark_distill::plan::Layers;
use stillmark_distill::records::{Record, TopLogprobs};
use stillmark_distill::train::Answers;
use stillmark_model::architecture::{layer_name, parameters};
use stillmark_model::{Config, Error, Family, Rope, RopeScaling, TensorSource};

use crate::data_records::record;

fn plan(train: &str) -> Plan {
    let text = format!(
        "[student]\nname = \"s\"\ninit = {{ from = \"config\", path = \"c\" }}\n[teacher]\nmodel = \"t\"\n\
         [[prompts]]\nbuiltin = \"quickstart\"\n[capture]\n[train]\nsteps = 9\nseq_len = 32\nbatch = 2\n{train}\n"
    );
    Plan::parse(&text).unwrap()
}

fn records() -> Vec<Record> {
    (0..40).map(|seed| record(seed, 3 + seed as usize % 45)).collect()
}

#[test]
fn an_epoch_shows_every_record_once_and_never_what_is_held_out() {
    let plan = plan("held_out = 0.2");
    let records = records();
    let batches = Batches::new(&records, plan.train(), 1000).unwrap();
    let steps = (batches.rows() / 2) as u64;
    let mut seen: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
    for batch in (1..=steps).flat_map(|step| batches.of_step(step)) {
        for segment in &batch.segments {
            *seen.entry(batch.tokens[segment.clone()].to_vec()).or_default() += 1;
        }
    }
    assert!(seen.values().all(|count| *count == 1));
    let held_out = batches.held_out();
    let texts: Vec<Vec<u32>> = held_out
        .iter()
        .flat_map(|batch| batch.segments.iter().map(|segment| batch.tokens[segment.clone()].to_vec()))
        .collect();
    assert_eq!(texts.len(), 8);
    assert!(texts.iter().all(|text| !seen.contains_key(text)));
}

#[test]
fn prompts_and_unrecorded_positions_do_not_count() {
    let plan = plan("held_out = 0");
    let mut only = record(2, 9);
    only.prompt_len = 4;
    let mut top = TopLogprobs::new();
    for (position, (ids, values)) in only.top.iter().enumerate() {
        let row: Vec<(u32, f32)> = ids.iter().copied().zip(values.iter().copied()).collect();
        top.push(if position == 5 { Vec::new() } else { row });
    }
    only.top = top;
    let records = [only.clone()];
    let batch = Batches::new(&records, plan.train(), 1000).unwrap().of_step(1).remove(0);
    assert_eq!(&batch.weights[..9], [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
    let Answers::Top(answers) = &batch.answers else { panic!("{:?}", batch.answers) };
    assert_eq!((answers.k, answers.tails.len()), (4, batch.tokens.len()));
    assert_eq!(&answers.ids[3 * 4..4 * 4], only.top.at(3).0);
    assert!((answers.tails[3] - only.tail_logmass[3].exp()).abs() < 1e-7);
}

#[test]
fn long_records_are_cut() {
    let plan = plan("held_out = 0");
    let records = [record(1, 100)];
    let batches = Batches::new(&records, plan.train(), 1000).unwrap();
    assert_eq!(batches.of_step(1)[0].segments, [0..32, 32..64]);
}

#[test]
fn layers_by_rule() {
    let influence = [0.9, 0.2, 0.1, 0.2, 0.3, 0.8];
    let kept = |rule: &Layers| kept_layers(rule, &influence);
    assert_eq!(kept(&Layers::Influence(3)).unwrap(), [0, 4, 5]);
    assert_eq!(kept(&Layers::Influence(4)).unwrap(), [0, 1, 4, 5]);
    assert_eq!(kept(&Layers::Even(3)).unwrap(), [0, 2, 5]);
    assert_eq!(kept(&Layers::Even(1)).unwrap(), [0]);
    assert_eq!(kept(&Layers::Keep(vec![1, 5])).unwrap(), [1, 5]);
    assert!(kept(&Layers::Keep(vec![1, 6])).is_err());
    assert!(kept(&Layers::Influence(7)).is_err());
}

/// Numbers that follow from a tensor's name and place.
#[derive(Debug)]
pub(crate) struct Numbered(pub(crate) Config);

impl TensorSource for Numbered {
    fn tensor(&self, name: &str) -> Result<Vec<f32>, Error> {
        let found = parameters(&self.0).into_iter().find(|parameter| parameter.name == name).unwrap();
        let seed: usize = name.bytes().map(usize::from).sum();
        Ok((0..found.len()).map(|at| ((at * 7919 + seed * 104_729) % 1009) as f32 / 1009.0 - 0.5).collect())
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        parameters(&self.0).into_iter().find(|parameter| parameter.name == name).map(|found| found.shape)
    }
}

pub(crate) fn tiny() -> Config {
    Config {
        family: Family::Llama,
        vocab_size: 11,
        hidden_size: 4,
        layers: 5,
        heads: 2,
        kv_heads: 1,
        head_dim: 2,
        intermediate_size: 6,
        rms_norm_eps: 1e-5,
        rope: Rope { theta: 10_000.0, scaling: RopeScaling::None },
        max_positions: 64,
        tied_embeddings: true,
        qkv_bias: false,
        qk_norm: false,
        sliding_window: None,
        full_attention_layers: 3,
        bos: None,
        eos: vec![0],
    }
}

#[test]
fn a_pruned_student_has_its_teachers_weights() {
    let teacher = Numbered(tiny());
    let student = Pruned::new((&teacher.0, &teacher), vec![0, 2, 4], Some(3)).unwrap();
    let config = student.config();
    assert_eq!((config.layers, config.intermediate_size, config.full_attention_layers), (3, 3, 2));
    for parameter in parameters(config) {
        assert_eq!(student.tensor(&parameter.name).unwrap().len(), parameter.len(), "{}", parameter.name);
        assert_eq!(student.shape(&parameter.name), Some(parameter.shape));
    }
    let whole = teacher.tensor(&layer_name(4, "self_attn.q_proj.weight")).unwrap();
    assert_eq!(student.tensor(&layer_name(2, "self_attn.q_proj.weight")).unwrap(), whole);
    // The neurons of gate, up and down are the same ones.
    let (up, down) = (
        teacher.tensor(&layer_name(2, "mlp.up_proj.weight")).unwrap(),
        teacher.tensor(&layer_name(2, "mlp.down_proj.weight")).unwrap(),
    );
    let (cut_up, cut_down) = (
        student.tensor(&layer_name(1, "mlp.up_proj.weight")).unwrap(),
        student.tensor(&layer_name(1, "mlp.down_proj.weight")).unwrap(),
    );
    for (at, row) in cut_up.chunks_exact(4).enumerate() {
        let neuron = up.chunks_exact(4).position(|whole| whole == row).unwrap();
        for d in 0..4 {
            assert_eq!(cut_down[d * 3 + at], down[d * 6 + neuron]);
        }
    }
    assert!(Pruned::new((&teacher.0, &teacher), vec![0], Some(7)).is_err());
}
