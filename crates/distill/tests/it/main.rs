//! The tests of `stillmark-distill`, from outside.

mod data_plan;
