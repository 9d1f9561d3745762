//! How a benchmark is asked and scored: prompts, shots, filters, metrics.
