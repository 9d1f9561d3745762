//! The embedded decoder as the teacher that is asked for logits while the student learns.

use stillmark_model::Decoder;

use super::batch::{Batch, TeacherHead};
use crate::Error;

/// A decoder and its hidden rows of the batch at hand.
#[derive(Debug)]
pub struct DecoderTeacher<'a> {
    decoder: &'a Decoder,
    hidden: Vec<f32>,
    picked: Vec<f32>,
}

impl<'a> DecoderTeacher<'a> {
    /// A teacher that is this decoder.
    pub fn new(decoder: &'a Decoder) -> Self {
        Self { decoder, hidden: Vec::new(), picked: Vec::new() }
    }
}

impl TeacherHead for DecoderTeacher<'_> {
    fn vocab_size(&self) -> usize {
        self.decoder.config().vocab_size
    }

    fn begin(&mut self, batch: &Batch) -> Result<(), Error> {
        self.hidden = self.decoder.hidden(&batch.tokens, &batch.segments)?;
        Ok(())
    }

    fn logits(&mut self, rows: &[usize], out: &mut [f32]) -> Result<(), Error> {
        let width = self.decoder.config().hidden_size;
        self.picked.clear();
        for &row in rows {
            self.picked.extend_from_slice(&self.hidden[row * width..][..width]);
        }
        self.decoder.logits(&self.picked, out);
        Ok(())
    }
}
