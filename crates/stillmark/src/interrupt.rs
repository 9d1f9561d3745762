//! Ctrl-C: asked once, a long job stops at the next sound place; asked twice, it ends at once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::problem::Problem;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Listens for SIGINT and SIGTERM from here on; a long job calls this once, then asks [`requested`].
pub(crate) fn listen() -> Result<(), Problem> {
    let listening = ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::SeqCst) {
            end_now();
        }
    });
    match listening {
        Ok(()) | Err(ctrlc::Error::MultipleHandlers) => Ok(()),
        Err(err) => Err(Problem::new("could not listen for Ctrl-C").cause(err.to_string())),
    }
}

/// Whether the user asked to stop.
pub(crate) fn requested() -> bool {
    ASKED.load(Ordering::SeqCst)
}

#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "the user asked twice; files are whole at any moment"
)]
fn end_now() {
    std::process::exit(130);
}
