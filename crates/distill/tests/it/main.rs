//! The tests of `stillmark-distill`, from outside.

mod data_plan;
mod train_gradients;
mod train_losses;
mod train_reference;
mod train_run;
