//! Whose key it was, of many.

use stillmark_evidence::watermark::{Attribution, Verdict};
use stillmark_watermark::attribute::{Suspect, attribute};
use stillmark_watermark::detect::{Input, Settings};
use stillmark_watermark::key::Tenant;
use stillmark_watermark::{Error, Key, Text};

use crate::writer::{Model, Random, SCHEMES, key};
use crate::{SETTINGS, hex};

fn tenant(master: &Key, number: usize) -> Key {
    master.tenant(&Tenant { id: &format!("tenant-{number}"), epoch: "2026-11", model: "tern-8b" })
}

fn suspects(master: &Key, count: usize) -> Vec<Suspect> {
    let suspect =
        |number| Suspect { name: format!("tenant-{number}"), commitment: None, key: tenant(master, number) };
    (0..count).map(suspect).collect()
}

fn tried(suspects: &[Suspect], texts: &[Vec<u32>]) -> Attribution {
    let settings = Settings { decoys: 199, level: 0.001, ..SETTINGS };
    let input = |tokens| Input { id: "a", text: Text { tokens, prompt_len: 4 }, likelihoods: None };
    let inputs: Vec<Input<'_>> = texts.iter().map(|tokens| input(tokens)).collect();
    attribute(suspects, &inputs, &settings, &|| {}).unwrap()
}

/// Texts of tenant 7, of nobody and of a stranger, under 300 tenants' keys.
fn check(scheme: usize, length: usize) {
    let (master, model) = (key(scheme, 9), Model::new(3.0));
    let write = |key: Option<&Key>| model.write(key, &Random(5).tokens(4), length, 6).tokens;
    let stranger = tenant(&key(scheme, 10), 7);
    let texts = [write(Some(&tenant(&master, 7))), write(None), write(Some(&stranger))];
    let found = tried(&suspects(&master, 300), &texts);
    let tenants: Vec<Option<&str>> = found.texts.iter().map(|text| text.tenant.as_deref()).collect();
    assert_eq!(tenants, [Some("tenant-7"), None, None], "{:?}", SCHEMES[scheme]);
    assert_eq!(found.texts[0].best[0].key_name, "tenant-7");
    assert_eq!(
        found.texts.iter().map(|text| text.verdict).collect::<Vec<_>>(),
        [Verdict::Attributed, Verdict::NoEvidence, Verdict::NoEvidence]
    );
}

#[test]
fn the_tenant_is_found() {
    for scheme in [0, 3, 4, 9] {
        check(scheme, 300);
    }
}

/// Key A is the provider's, whose detector finds every tenant's text; key B tells the tenants apart.
#[test]
fn a_text_answers_for_provider_and_tenant() {
    let text = "scheme = \"vllm-philox-dual\"\nkey_a = 77\nkey_b = 78\nalpha = 0.5\n";
    let (provider, model) = (Key::parse(text).unwrap(), Model::new(3.0));
    let own = tenant(&provider, 7);
    assert!(own.to_toml().contains("key_a = \"0x4d\""), "{}", own.to_toml());
    let marked = model.write(Some(&own), &Random(5).tokens(4), 400, 6).tokens;
    let found = tried(&suspects(&provider, 200), std::slice::from_ref(&marked));
    assert_eq!(found.texts[0].tenant.as_deref(), Some("tenant-7"));
    let others: Vec<Suspect> =
        suspects(&provider, 200).into_iter().filter(|own| own.name != "tenant-7").collect();
    assert_eq!(tried(&others, std::slice::from_ref(&marked)).texts[0].tenant, None);
    let of_provider = Key::parse("scheme = \"vllm-philox\"\nkey = 77\n").unwrap();
    assert_eq!(crate::judged(&of_provider, &marked, 4).mark, stillmark_evidence::watermark::Mark::Marked);
}

/// Two `SynthID` keys may share layers, the more of them the more tenants: a text of one is then evidence for both, and names
/// the one whose evidence is its own.
#[test]
fn shared_layers_name_nobody_else() {
    let of_layers = |layers: std::ops::Range<i64>| {
        let layers: Vec<String> = layers.map(|layer| (7919 * layer + 13).to_string()).collect();
        Key::parse(&format!("scheme = \"synthid-transformers\"\nkeys = [{}]\n", layers.join(", "))).unwrap()
    };
    let suspects: Vec<Suspect> = [0, 20, 60]
        .map(|first| Suspect {
            name: format!("from {first}"),
            commitment: None,
            key: of_layers(first..first + 30),
        })
        .into();
    let write = |key: &Key| Model::new(3.0).write(Some(key), &Random(5).tokens(4), 600, 6).tokens;
    let texts: Vec<Vec<u32>> = suspects.iter().map(|suspect| write(&suspect.key)).collect();
    let found = tried(&suspects, &texts).texts;
    let reaching =
        |text: usize| found[text].best.iter().filter(|best| best.adjusted_ln_p < 0.001_f64.ln()).count();
    assert_eq!([0, 1, 2].map(reaching), [2, 2, 1]);
    for (suspect, found) in suspects.iter().zip(&found) {
        assert_eq!(found.tenant.as_ref(), Some(&suspect.name), "{found:?}");
    }
}

/// The same key under two names names nobody.
#[test]
fn two_names_of_one_key_are_inconclusive() {
    let master = key(0, 9);
    let mut suspects = suspects(&master, 20);
    suspects.push(Suspect { name: "double".to_owned(), commitment: None, key: tenant(&master, 7) });
    let marked = Model::new(3.0).write(Some(&tenant(&master, 7)), &Random(5).tokens(4), 300, 6).tokens;
    let found = tried(&suspects, &[marked]);
    assert_eq!((found.texts[0].verdict, found.texts[0].tenant.as_deref()), (Verdict::Inconclusive, None));
}

#[test]
fn keys_of_several_schemes_are_refused() {
    let refused = |keys: Vec<Key>| {
        let suspect = |key| Suspect { name: "a".to_owned(), commitment: None, key };
        let suspects: Vec<Suspect> = keys.into_iter().map(suspect).collect();
        matches!(attribute(&suspects, &[], &SETTINGS, &|| {}), Err(Error::Lengths { .. }))
    };
    assert!(refused(Vec::new()));
    assert!(refused(vec![key(0, 1), key(3, 1)]));
    assert!(refused(vec![
        key(0, 1),
        Key::parse("scheme = \"vllm-philox\"\nkey = 1\ncontext_width = 5\n").unwrap()
    ]));
    assert!(!refused(vec![key(0, 1), key(0, 2)]));
}

/// Tenants' keys differ by tenant, epoch and model, and are what they were.
#[test]
fn tenants_keys() {
    for (scheme, named) in SCHEMES.iter().enumerate() {
        let master = key(scheme, 1);
        let files = [("a", "1", "m"), ("b", "1", "m"), ("a", "2", "m"), ("a", "1", "n"), ("a1", "", "m")]
            .map(|(id, epoch, model)| master.tenant(&Tenant { id, epoch, model }).to_toml());
        let different: std::collections::BTreeSet<&String> = files.iter().collect();
        assert_eq!(different.len(), files.len(), "{named:?}");
        assert_eq!(Key::parse(&files[0]).unwrap().to_toml(), files[0]);
    }
    // HKDF-SHA256 without salt, of `key = "0x101…"` and a line feed, worked out with Python's hmac.
    let own = key(0, 1).tenant(&Tenant { id: "acme", epoch: "2026-11", model: "tern-8b" });
    assert!(own.to_toml().contains("key = \"0xaef773306321a25b\""), "{}", own.to_toml());
}

/// A commitment shows whether it is of a key, and depends on all of the key and the salt.
#[test]
fn commitments() {
    let parse = |more: &str| Key::parse(&format!("scheme = \"vllm-philox\"\n{more}")).unwrap();
    let own = parse("key = 255\n").commitment(&[1; 32]);
    assert_eq!(own, parse("context_width = 4\nkey = \"0xff\"\ndeduplicate = true\n").commitment(&[1; 32]));
    assert_ne!(own, parse("key = 255\n").commitment(&[2; 32]));
    assert_ne!(own, parse("key = 254\n").commitment(&[1; 32]));
    assert_ne!(own, parse("key = 255\ncontext_width = 3\n").commitment(&[1; 32]));
    assert_eq!(hex(&own), "629be3ce1e7659cddb9ee9b880d14ace86dda401707fee54ef1a5ad3b2ab8716");
}
