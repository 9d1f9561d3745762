//! Keys: their text, their store, and what a stolen store tells.

use stillmark_gateway::keys::{Limits, NewKey, Pepper, Presented, Ring, Secret, Store};

fn random(fill: u8) -> [u8; 64] {
    std::array::from_fn(|idx| fill.wrapping_mul(31).wrapping_add(idx as u8))
}

#[test]
fn a_misspelled_key_is_known_for_one_without_being_looked_up() {
    let secret = Secret::new(&random(1));
    let text = secret.reveal();
    assert_eq!(text.len(), 66);
    assert!(Presented::parse(text).is_ok());
    for at in 0..text.len() {
        let mut wrong = text.as_bytes().to_vec();
        wrong[at] = if wrong[at] == b'x' { b'y' } else { b'x' };
        assert!(Presented::parse(std::str::from_utf8(&wrong).unwrap()).is_err(), "{at}");
    }
    for text in ["", "sm_", "sk-123", &text[1..], &format!("{text}x")] {
        assert!(Presented::parse(text).is_err());
    }
    assert!(!format!("{secret:?} {:?}", Presented::parse(text)).contains(&text[16..59]));
}

#[test]
fn a_key_is_found_by_its_secret_alone_and_a_rotated_one_for_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.sqlite");
    let (mut store, pepper) = (Store::open(&path).unwrap(), Pepper::new([9; 32]));
    let other = Store::open(&path).unwrap();
    let limits = Limits { concurrent: Some(3), ..Limits::default() };
    let (first, id) = other
        .add(&NewKey { name: "nova".into(), limits, ..NewKey::default() }, &pepper, &random(1), 5)
        .unwrap();
    let (second, _) =
        other.add(&NewKey { name: "vega".into(), ..NewKey::default() }, &pepper, &random(2), 6).unwrap();
    let ring = store.changed().unwrap().unwrap();
    assert!(store.changed().unwrap().is_none());
    let find = |ring: &Ring, secret: &Secret, pepper: &Pepper, now| {
        ring.find(Presented::parse(secret.reveal()).unwrap(), pepper, now).map(|key| key.name.clone())
    };
    assert_eq!(find(&ring, &first, &pepper, 10).as_deref(), Some("nova"));
    assert_eq!(find(&ring, &second, &pepper, 10).as_deref(), Some("vega"));
    assert_eq!(find(&ring, &first, &Pepper::new([8; 32]), 10), None);
    let forged = Secret::with_id(&id, &random(3));
    assert_eq!(find(&ring, &forged, &pepper, 10), None);

    let third = other.rotate(&id, &pepper, &random(4), [100, 200]).unwrap();
    let ring = store.changed().unwrap().unwrap();
    assert_eq!(find(&ring, &first, &pepper, 199).as_deref(), Some("nova"));
    assert_eq!(find(&ring, &first, &pepper, 200), None);
    assert_eq!(find(&ring, &third, &pepper, 200).as_deref(), Some("nova"));
    let fourth = other.rotate(&id, &pepper, &random(5), [300, 400]).unwrap();
    let ring = store.changed().unwrap().unwrap();
    assert_eq!(find(&ring, &first, &pepper, 150), None);
    assert_eq!(find(&ring, &third, &pepper, 350).as_deref(), Some("nova"));
    assert_eq!(find(&ring, &fourth, &pepper, 350).as_deref(), Some("nova"));

    other.revoke(&id, 500).unwrap();
    let ring = store.changed().unwrap().unwrap();
    assert_eq!((ring.count(), find(&ring, &fourth, &pepper, 350)), (1, None));
    assert!(other.revoke("nobody", 1).is_err());
    let keys = other.keys().unwrap();
    assert_eq!((keys[0].revoked_ms, keys[0].limits.concurrent), (Some(500), Some(3)));
}

#[test]
fn the_file_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.sqlite");
    let store = Store::open(&path).unwrap();
    let (secret, _) = store.add(&NewKey::default(), &Pepper::new([9; 32]), &random(1), 5).unwrap();
    let part = secret.reveal()[16..59].to_owned();
    drop(store);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(part.len()).any(|window| window == part.as_bytes()));
    }
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.sqlite");
    std::fs::write(&path, "no database, but long enough to be looked at as if it were one").unwrap();
    assert!(Store::open(&path).is_err());
}
