use std::io;

use stillmark_ledger::whole_file;

#[test]
fn a_file_is_replaced_whole_or_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("note");
    whole_file::write(&path, b"first").unwrap();
    // What a killed process left is taken over.
    std::fs::write(folder.path().join(".note.part"), b"half of a longer text").unwrap();
    whole_file::write(&path, b"second").unwrap();
    let failed = whole_file::fill(&path, |out| {
        out.write_all(b"thi")?;
        Err(io::Error::other("no more"))
    });
    assert_eq!(failed.unwrap_err().to_string(), "no more");
    assert_eq!(std::fs::read(&path).unwrap(), b"second");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[cfg(unix)]
#[test]
fn a_private_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(folder.path().join(".key.part"), b"left by another").unwrap();
    whole_file::write_private(&path, b"secret").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"secret");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
