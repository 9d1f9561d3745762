//! The tests of `stillmark-distill`, from outside.

#[cfg(test)]
mod data_capture;
#[cfg(test)]
mod data_course;
#[cfg(test)]
mod data_feed;
#[cfg(test)]
mod data_plan;
#[cfg(test)]
mod data_records;
#[cfg(test)]
mod run_marked;
#[cfg(test)]
mod run_remote;
#[cfg(test)]
mod run_students;
#[cfg(test)]
mod tiny;
mod train_checkpoint;
mod train_gradients;
mod train_losses;
mod train_pytorch;
mod train_reference;
mod train_run;
