//! Every score, derived anew from the answers.
