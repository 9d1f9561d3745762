//! Panics, which no input should be able to cause.

use crate::output::Talk;
use crate::problem::Problem;

/// Renders a panic as what it is: a bug of ours, without a backtrace.
pub(crate) fn report() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let said = info.payload_as_str().unwrap_or("no message").to_owned();
        let problem = Problem::new(format!("stillmark broke{place}")).cause(said).hint(
            "this is our bug, not yours: please report it with the command you ran; files are written whole, so what stands on disk is sound",
        );
        Talk::plain().problem(&problem);
    }));
}
