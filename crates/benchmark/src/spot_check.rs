//! How much a re-run of few items shows.
