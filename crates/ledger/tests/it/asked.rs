//! What is asked of a log below its address.

use proptest::prelude::*;
use stillmark_ledger::asked::{self, Asked, Lasts};
use stillmark_ledger::note::SigningKey;
use stillmark_ledger::{Log, Prover, proof, tile, tree};

/// Paths that no log has an answer to.
const NOTHING: &[&str] = &[
    "",
    "lock",
    "index/0-65536",
    "../checkpoint",
    "checkpoint/",
    "tile",
    "tile/0",
    "tile/0/",
    "tile/0/1",
    "tile/00/000",
    "tile/64/000",
    "tile/0/x000/000",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/+01",
    "tile/entries/../../checkpoint",
    "tile/0/.000.part",
    "proof/12",
    "consistency/1",
    "consistency/01/2",
    "proof/",
    "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
];

#[test]
fn files_and_proofs_are_given_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::from_seed("example.org/log", &[7; 32]).unwrap();
    let mut log = Log::create(dir.path(), key).unwrap();
    let entries: Vec<[u8; 8]> = (0..300_u64).map(u64::to_be_bytes).collect();
    let slices: Vec<&[u8]> = entries.iter().map(<[u8; 8]>::as_slice).collect();
    log.append(&slices[..299]).unwrap();
    let mut prover = Prover::open(dir.path(), log.verifier()).unwrap();
    log.append(&slices[299..]).unwrap();
    std::fs::write(dir.path().join("tile/0/002"), [0; 8192]).unwrap();
    let mut get = |path: &str, query| {
        asked::parse(path, query).and_then(|asked| asked::answer(&mut prover, &asked).unwrap())
    };
    let checkpoint = get("checkpoint", None).unwrap();
    assert_eq!(checkpoint.body, log.checkpoint().as_bytes());
    assert_eq!(checkpoint.lasts, Lasts::Briefly);
    assert_eq!(get("tile/0/001.p/44", None).unwrap().body.len(), 44 * 32);
    assert_eq!(get("tile/0/000", None).unwrap().body.len(), 8192);
    assert_eq!(get("tile/entries/000", None).unwrap().lasts, Lasts::Forever);
    assert_eq!(get("tile/0/002", None), None, "it lies beyond the checkpoint");
    let hex = tree::leaf_hash(&entries[299]).to_hex();
    for query in [Some("size=300"), None] {
        let body = get(&format!("proof/{hex}"), query).unwrap().body;
        let proof = proof::parse(&body).unwrap();
        assert_eq!(proof::verify(&proof, &entries[299], &[log.verifier()]).unwrap().size, 300);
    }
    assert_eq!(get(&format!("proof/{hex}"), Some("size=299")), None);
    assert_eq!(get(&format!("proof/{hex}"), Some("size=301")), None);
    let path = log.consistency(299, 300).unwrap().unwrap();
    let path: Vec<u8> = path
        .iter()
        .flat_map(|hash| {
            (hash.to_string()
                + "
")
            .into_bytes()
        })
        .collect();
    assert_eq!(get("consistency/299/300", None).unwrap().body, path);
    assert_eq!(get("consistency/300/301", None), None);
    for nothing in NOTHING {
        assert_eq!(get(nothing, None), None, "{nothing}");
    }
}

proptest! {
    #[test]
    fn places_come_back_from_their_paths(level in prop::option::of(0_usize..64), index in 0..1_u64 << 55, width in 1_u64..=256) {
        let place = tile::Place { level, index, width };
        prop_assert_eq!(tile::parse_path(&place.path()), Some(place));
    }

    #[test]
    fn no_path_makes_the_reader_stumble(path in "(tile/|proof/|consistency/)?[a-z0-9./x+]{0,40}", query in prop::option::of("(size=)?.{0,9}")) {
        if let Some(Asked::File(place)) = asked::parse(&path, query.as_deref()) {
            prop_assert_eq!(place.path(), path);
        }
    }
}
