//! Whatever is done to a log's files is found, and named with the place.

use crate::memory::Memory;
use stillmark_ledger::note::SigningKey;
use stillmark_ledger::{Error, Log, Refusal, check, tile, tree};

fn key() -> SigningKey {
    SigningKey::from_seed("example.org/log", &[7; 32]).unwrap()
}

fn filled(n: u64) -> (Memory, Log) {
    let store = Memory::default();
    let mut log = Log::create_in(Box::new(store.clone()), key()).unwrap();
    let entries: Vec<Vec<u8>> = (0..n).map(|i| format!("entry {i}").into_bytes()).collect();
    log.append(&entries.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
    (store, log)
}

fn found(store: &Memory, log: &Log) -> Vec<(&'static str, Option<u64>)> {
    let found = check::survey(store, log.head(), &mut |_| ()).unwrap();
    assert_eq!(found.count, found.differences.len() as u64);
    found.differences.iter().map(|one| (one.code(), one.index())).collect()
}

/// Takes a bundle apart, lets its entries be changed, and puts it together.
fn edit(store: &Memory, path: &str, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let bytes = store.file(path);
    let mut entries: Vec<Vec<u8>> =
        tile::parse_entries(&bytes).unwrap().into_iter().map(<[u8]>::to_vec).collect();
    change(&mut entries);
    let mut bundle = Vec::new();
    for entry in &entries {
        tile::push_entry(&mut bundle, entry).unwrap();
    }
    store.put_file(path, bundle);
}

fn check(n: u64, change: impl FnOnce(&Memory), expected: &[(&'static str, Option<u64>)]) {
    let (store, log) = filled(n);
    assert_eq!(found(&store, &log), []);
    change(&store);
    assert_eq!(found(&store, &log), expected);
}

#[test]
fn entries_that_were_changed_are_named() {
    let bundle = "tile/entries/001";
    let last = "tile/entries/002.p/88";
    check(600, |s| edit(s, bundle, |e| e[7][0] ^= 1), &[("edited-entry", Some(263))]);
    let two = [("edited-entry", Some(258)), ("edited-entry", Some(511))];
    let edit_two = |e: &mut Vec<Vec<u8>>| {
        e[2].push(0);
        e[255].clear();
    };
    check(600, |s| edit(s, bundle, edit_two), &two);
    check(600, |s| edit(s, bundle, |e| drop(e.remove(9))), &[("dropped-entry", Some(265))]);
    check(600, |s| edit(s, last, |e| drop(e.pop())), &[("dropped-entry", Some(599))]);
    check(600, |s| edit(s, last, |e| e.truncate(80)), &[("dropped-entry", Some(592))]);
    check(600, |s| edit(s, last, |e| e.push(vec![1])), &[("inserted-entry", Some(600))]);
    check(600, |s| edit(s, bundle, |e| e.insert(4, vec![1])), &[("inserted-entry", Some(260))]);
    check(600, |s| edit(s, bundle, |e| e.swap(3, 200)), &[("reordered-entries", Some(259))]);
    check(600, |s| edit(s, bundle, |e| e.rotate_left(1)), &[("reordered-entries", Some(256))]);
    check(600, |s| s.change(bundle, |b| b.truncate(1000)), &[("malformed", None)]);
    check(600, |s| s.remove_file(last), &[("missing-file", None)]);
}

/// An entry taken out of the middle, all later ones moved up.
#[test]
fn an_entry_dropped_from_the_whole_log_is_found_where_it_stood() {
    let (store, log) = filled(600);
    let mut all: Vec<Vec<u8>> = (0..600).map(|i| format!("entry {i}").into_bytes()).collect();
    all.remove(300);
    for (path, range) in
        [("tile/entries/000", 0..256), ("tile/entries/001", 256..512), ("tile/entries/002.p/88", 512..599)]
    {
        edit(&store, path, |entries| *entries = all[range].to_vec());
    }
    assert_eq!(found(&store, &log)[0], ("dropped-entry", Some(300)));
}

#[test]
fn tiles_that_were_changed_are_named() {
    let flip = |path: &'static str, at: usize| move |s: &Memory| s.change(path, |bytes| bytes[at] ^= 1);
    check(600, flip("tile/0/001", 40), &[("edited-tile", Some(256))]);
    check(600, flip("tile/0/002.p/88", 40), &[("edited-tile", Some(512))]);
    check(600, flip("tile/1/000.p/2", 40), &[("edited-tile", Some(0))]);
    check(66_000, flip("tile/1/000", 40), &[("edited-tile", Some(0))]);
    check(66_000, flip("tile/2/000.p/1", 1), &[("edited-tile", Some(0))]);
    check(66_000, flip("tile/0/200", 1), &[("edited-tile", Some(51_200))]);
    check(600, |s| s.change("tile/0/001", |b| b.truncate(320)), &[("malformed", None)]);
    check(600, |s| s.change("tile/0/001", |b| b.extend([0; 32])), &[("malformed", None)]);
    check(66_000, |s| s.remove_file("tile/1/000"), &[("missing-file", None)]);
    check(66_000, |s| s.change("tile/2/000.p/1", Vec::clear), &[("malformed", None)]);
}

/// Entries and their tile edited alike: neither is what was signed, and the place is still known.
#[test]
fn entries_with_their_tile_are_named_by_the_tile_above() {
    let (store, log) = filled(600);
    edit(&store, "tile/entries/001", |e| e[7] = b"forged".to_vec());
    store.change("tile/0/001", |b| b[7 * 32..8 * 32].copy_from_slice(&tree::leaf_hash(b"forged").0));
    assert_eq!(found(&store, &log), [("edited-range", Some(256))]);
    let (store, log) = filled(100);
    edit(&store, "tile/entries/000.p/100", |e| e[7] = b"forged".to_vec());
    store.change("tile/0/000.p/100", |b| b[7 * 32..8 * 32].copy_from_slice(&tree::leaf_hash(b"forged").0));
    assert_eq!(found(&store, &log), [("inconsistent", None)]);
}

#[test]
fn a_log_that_was_rolled_back_or_written_anew_is_found_by_an_old_checkpoint() {
    let (store, log) = filled(600);
    let old = log.head();
    assert!(check::grown(&store, old, old).is_ok());
    let refusal = |store: &Memory, log: &Log| match check::grown(store, log.head(), old) {
        Err(Error::Refused(refusal)) => refusal,
        other => unreachable!("{other:?}"),
    };
    let (store, log) = filled(599);
    assert_eq!(refusal(&store, &log), Refusal::Stale { found: 599, known: 600 });
    let (store, mut log) = filled(599);
    log.append(&[b"another"]).unwrap();
    assert_eq!(refusal(&store, &log), Refusal::SplitView { size: 600 });
    log.append(&[b"and more"]).unwrap();
    assert_eq!(refusal(&store, &log), Refusal::SplitView { size: 600 });
    let (store, mut log) = filled(600);
    log.append(&[b"more"]).unwrap();
    assert!(check::grown(&store, log.head(), old).is_ok());
}

/// A log of which any file is gone, cut or garbage is refused or goes on soundly; it never panics.
#[test]
fn damaged_files_are_refused_at_opening() {
    let (store, log) = filled(600);
    drop(log);
    for path in store.paths() {
        for damage in 0..4 {
            let store = store.copy();
            match damage {
                0 => store.remove_file(&path),
                1 => store.change(&path, |bytes| bytes.truncate(bytes.len() / 2)),
                2 => store.change(&path, |bytes| bytes.iter_mut().for_each(|byte| *byte ^= 0x5a)),
                _ => store.change(&path, Vec::clear),
            }
            let needed = ["checkpoint", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/002.p/88"]
                .contains(&&*path);
            let opened = Log::open_in(Box::new(store.clone()), key());
            assert_eq!(opened.is_err(), needed, "{path} {damage}");
            if let Ok(log) = opened {
                assert_ne!(
                    check::survey(&store, log.head(), &mut |_| ()).unwrap().count,
                    0,
                    "{path} {damage}"
                );
            }
        }
    }
}
