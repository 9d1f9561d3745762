//! One training step of the reference student: forward, cross-entropy, backward, `AdamW`.

use serde_json::json;
use stillmark_distill::train::{Batch, Trainer};
use stillmark_kernels::gemm::Precision;
use stillmark_kernels::peak;

use crate::measure::{Seconds, figure};
use crate::student::REFERENCE;

const STEPS: usize = 4;
/// Calls of the peak's loop beside each step: about a third of a second.
const PEAK_CALLS: usize = 20;

/// Measures steps, and after each of them the multiply-add peak: both see the same machine in the same minute.
pub(crate) fn run(precision: Precision, name: &str) -> Result<(), String> {
    let mut trainer = REFERENCE.trainer(precision)?;
    let batch = [REFERENCE.batch()];
    one(&mut trainer, &batch)?;
    let (mut taken, mut peak_taken, mut peak_flops) = (Seconds::default(), Seconds::default(), 0.0);
    for _ in 0..STEPS {
        let mut done = Ok(());
        taken = taken.plus(Seconds::of(|| done = one(&mut trainer, &batch)));
        done?;
        peak_taken = peak_taken.plus(Seconds::of(|| {
            peak_flops += (0..PEAK_CALLS).map(|_| peak_loop(precision)).sum::<f64>();
        }));
    }
    let flops = STEPS as f64 * REFERENCE.flops();
    let mut figure = figure("step", name, STEPS * REFERENCE.tokens(), taken);
    figure["gflops"] = json!(flops / taken.wall / 1e9);
    figure["peak_gflops"] = json!(peak_flops / peak_taken.wall / 1e9);
    // Both by processor time: what else runs on the machine takes its share of both.
    figure["share_of_peak"] = json!((flops / taken.cpu) / (peak_flops / peak_taken.cpu));
    println!("{figure}");
    Ok(())
}

fn one(trainer: &mut Trainer, batch: &[Batch]) -> Result<(), String> {
    trainer.step(batch, None).map(drop).map_err(|error| error.to_string())
}

/// Multiply-adds in registers on every thread; returns how many operations were done.
fn peak_loop(precision: Precision) -> f64 {
    let threads = rayon::current_num_threads();
    match precision {
        Precision::F32 => peak::multiply_add_f32(threads).0,
        Precision::Bf16 => peak::multiply_add_bf16(threads).map_or(f64::NAN, |done| done.0),
    }
}
