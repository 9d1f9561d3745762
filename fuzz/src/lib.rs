//! What the targets share: a file for readers that take paths, and a key for what must be signed to be read.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::verify::Trust;

/// A file's path for the errors of readers that take bytes.
pub const NOWHERE: &str = "input";

/// Writes `bytes` to a file of this process's own and calls `read` with its path.
pub fn in_file(name: &str, bytes: &[u8], read: impl FnOnce(&Path)) {
    thread_local! {
        static FOLDER: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
    }
    let folder = FOLDER.with_borrow_mut(|folder| {
        let made = folder.get_or_insert_with(|| {
            let path = std::env::temp_dir().join(format!("stillmark-fuzz-{}", std::process::id()));
            fs::create_dir_all(&path).expect("the temporary folder is writable");
            path
        });
        made.clone()
    });
    let path = folder.join(name);
    fs::write(&path, bytes).expect("the temporary folder is writable");
    read(&path);
}

/// A key that anybody can compute, so that mutated claims still have a good signature.
pub fn key() -> PrivateKey {
    PrivateKey::from_entropy(&[7; 32]).expect("any 32 bytes make a key")
}

/// Believes [`key`].
pub fn trust() -> Trust {
    Trust::of([key().public().clone()])
}

/// Lets a reader catch a panic of a library below it, which libFuzzer's own hook would turn into an abort at once. A panic that
/// nobody catches still ends the run as a finding.
pub fn let_panics_be_caught() {
    std::panic::set_hook(Box::new(|about| eprintln!("{about}")));
}
