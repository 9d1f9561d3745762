//! The tests of `stillmark-distill`, from outside.
#![cfg(test)]

mod data_capture;
mod data_plan;
mod data_records;
mod train_gradients;
mod train_losses;
mod train_reference;
mod train_run;
