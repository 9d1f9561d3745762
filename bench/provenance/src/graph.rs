//! The shape: a long chain with merges and students of several teachers.

/// What a model is made from, as positions of earlier models.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parents {
    /// The model that its first weights come from.
    pub(crate) base: Option<usize>,
    /// The models that taught it.
    pub(crate) teachers: Vec<usize>,
}

/// The parents of the model at a position; the first one is an origin.
pub(crate) fn parents(position: usize) -> Parents {
    let back = |steps: usize| position.saturating_sub(steps);
    match position {
        0 => Parents::default(),
        _ if position.is_multiple_of(7) => Parents { base: Some(back(2)), teachers: vec![back(1), back(3)] },
        _ if position.is_multiple_of(5) => {
            Parents { base: None, teachers: vec![back(1), position / 2, back(4)] }
        }
        _ => Parents { base: Some(back(1)), teachers: vec![back(1)] },
    }
}
