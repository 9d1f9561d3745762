//! Has the model seen the questions?
//!
//! Each test plans what to ask ([`asking`]), the caller asks, and the test judges the answers: [`order`] whether the dataset's own order
//! of items is likelier than others, [`options`] the same of an item's choices, [`min_k`] and [`completion`] whether items are known
//! better than withheld ones, [`constat`] whether a score is better than other models let expect, [`gap`] whether items that a corpus holds
//! ([`scan`]) score higher than others. [`combine`] takes several together.
//! Every answer says whether its p-value is valid and why, what the test could have seen, and what it cannot show.

pub mod asking;
pub mod combine;
pub mod completion;
pub mod constat;
pub mod exchange;
pub mod gap;
pub mod min_k;
pub mod options;
pub mod order;
pub mod rendering;
pub mod verdict;

pub mod scan;
