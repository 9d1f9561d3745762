//! Receipts: one for each answer, in a log that a stranger checks, whatever ends the process.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use stillmark_evidence::Digest;
use stillmark_evidence::receipt::{HEADER, Leaf, Receipt, commitment};
use stillmark_ledger::{check, tile};

use crate::behind::{
    Behind, Front, Step, body, chunk, events_head, json, last_chunk, log_key, receipts, status,
};

const ASK: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const STREAM: &str = r#"{"model":"m","messages":[],"stream":true}"#;
const ANSWER: &str = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"w\u00f6rds"}}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#;
const LOGGED: &str = "[receipts]\nlog = \"acme.example/receipts\"\n";

fn of_header(answer: &str) -> Receipt {
    let line = answer.lines().find(|line| line.to_lowercase().starts_with(HEADER)).unwrap();
    Receipt::from_header(line.split_once(": ").unwrap().1).unwrap()
}

fn of_comment(events: &str) -> Receipt {
    let line = events.lines().find_map(|line| line.strip_prefix(&format!(": {HEADER} "))).unwrap();
    Receipt::from_header(line).unwrap()
}

fn get(front: &Front, path: &str) -> String {
    front.ask(&format!("GET /.well-known/{path} HTTP/1.1\r\nhost: g\r\n\r\n"))
}

/// The leaves of the log below a folder, which must check.
fn leaves(folder: &Path) -> Vec<Leaf> {
    let folder = folder.join("receipts/log");
    let size = check::check(&folder, &log_key().verifier()).unwrap().checkpoint.size;
    if size == 0 {
        return Vec::new();
    }
    let bundle = std::fs::read(folder.join(tile::entries_path(0, size))).unwrap();
    let entries = tile::parse_entries(&bundle).unwrap();
    entries.into_iter().map(|entry| serde_json::from_slice(entry).unwrap()).collect()
}

#[test]
fn each_answer_has_a_receipt_that_the_log_proves() {
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let front = Front::new(behind.address, LOGGED, "");
    let answers: Vec<String> = (0..3).map(|_| front.ask(&front.chat(ASK))).collect();
    let receipts: Vec<Receipt> = answers.iter().map(|answer| of_header(answer)).collect();
    for (idx, receipt) in receipts.iter().enumerate() {
        let leaf = receipt.leaf().unwrap();
        assert_eq!(
            (leaf.sequence, leaf.spent, leaf.tokens.prompt),
            (idx as u64 + 1, 4 * (idx as u64 + 1), 3)
        );
        assert!(receipt.is_for(&leaf, "w\u{f6}rds"));
        assert_eq!(leaf.prompt, commitment(&receipt.prompt_salt, br#"[{"role":"user","content":"hi"}]"#));
        assert_eq!(leaf.tenant, Digest::of(&front.key.as_bytes()[3..15]));
        let begun = Instant::now();
        let proof = loop {
            let proof = get(&front, &format!("stillmark/receipts/proof/{}", receipt.hash()));
            if status(&proof) == 200 {
                break body(&proof);
            }
            assert!(begun.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(20));
        };
        let proof = stillmark_ledger::proof::parse(proof.as_bytes()).unwrap();
        stillmark_ledger::proof::verify(&proof, receipt.leaf.as_bytes(), &[log_key().verifier()]).unwrap();
    }
    let checkpoint = body(&get(&front, "stillmark/receipts/checkpoint"));
    assert_eq!(stillmark_ledger::checkpoint::open(&checkpoint, &[log_key().verifier()]).unwrap().size, 3);
    assert_eq!(status(&get(&front, "stillmark/receipts/consistency/1/3")), 200);
    for path in
        ["stillmark/receipts/consistency/3/9", "stillmark/receipts/nothing", "stillmark/receipts/proof/xyz"]
    {
        assert_eq!(status(&get(&front, path)), 404, "{path}");
    }
    assert_eq!(body(&get(&front, "distillation.toml")), "an offer");
}

#[test]
fn a_stream_has_its_receipt_before_its_end_and_one_that_is_cut_has_one_too() {
    let words = chunk(
        "data: {\"choices\":[{\"delta\":{\"content\":\"one \"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"two\"}}]}\n\n",
    );
    let usage = chunk(
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,\"total_tokens\":7}}\n\n",
    );
    let behind = Behind::new(vec![
        vec![events_head(), words.clone(), usage, chunk("data: [DONE]\n\n"), last_chunk()],
        vec![events_head(), words.clone(), Step::Close],
        vec![events_head(), words, Step::AwaitEnd],
    ]);
    let front = Front::new(behind.address, LOGGED, "");
    let whole = body(&front.ask(&front.chat(STREAM)));
    let receipt = of_comment(&whole);
    let leaf = receipt.leaf().unwrap();
    assert!(receipt.is_for(&leaf, "one two") && whole.ends_with("\n\ndata: [DONE]\n\n"), "{whole}");
    assert_eq!((leaf.sequence, leaf.tokens.prompt, leaf.tokens.answer), (1, 5, 2));
    let cut = body(&front.ask(&front.chat(STREAM)));
    let receipt = of_comment(&cut);
    let leaf = receipt.leaf().unwrap();
    assert!(receipt.is_for(&leaf, "one two") && !cut.contains("[DONE]"), "{cut}");
    assert_eq!(leaf.sequence, 2);
    // Whoever hangs up was given what was sent.
    let mut client = front.connect();
    client.write_all(front.chat(STREAM).as_bytes()).unwrap();
    let mut some = [0; 500];
    assert!(client.read(&mut some).unwrap() > 0);
    std::thread::sleep(Duration::from_millis(100));
    drop(client);
    behind.ends.recv_timeout(Duration::from_secs(10)).unwrap();
    front.gateway.close();
    let folder = front.folder.path().to_owned();
    let begun = Instant::now();
    while leaves(&folder).len() < 3 {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(50));
    }
    let last = leaves(&folder).pop().unwrap();
    assert_eq!(last.sequence, 3);
}

#[test]
fn what_a_killed_process_left_in_its_spool_is_logged_by_the_next_and_counts_go_on() {
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let front = Front::new(behind.address, LOGGED, "");
    for _ in 0..5 {
        assert_eq!(status(&front.ask(&front.chat(ASK))), 200);
    }
    let folder = tempfile::tempdir().unwrap();
    // What lies on the disk at this moment is what a kill would leave: some of it logged, some of it not.
    copy(front.folder.path(), folder.path());
    let spools = folder.path().join("receipts/spool");
    let last = std::fs::read_dir(&spools).unwrap().map(|entry| entry.unwrap().path()).max().unwrap();
    let mut bytes = std::fs::read(&last).unwrap();
    bytes.extend_from_slice(b"{\"half a leaf");
    std::fs::write(&last, bytes).unwrap();
    for _ in 0..2 {
        drop(receipts(folder.path()));
        let leaves = leaves(folder.path());
        let numbers: Vec<u64> = leaves.iter().map(|leaf| leaf.sequence).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
    }
    // A spool that was logged, and not removed before the kill.
    let again: Vec<u8> = leaves(folder.path())[3..]
        .iter()
        .flat_map(|leaf| {
            let mut line = serde_json::to_vec(&serde_json::to_value(leaf).unwrap()).unwrap();
            line.push(b'\n');
            line
        })
        .collect();
    std::fs::write(spools.join(format!("{:016x}.jsonl", 0)), again).unwrap();
    drop(receipts(folder.path()));
    assert_eq!(leaves(folder.path()).len(), 5);
    std::fs::remove_file(folder.path().join("receipts/counts")).unwrap();
    let opened = stillmark_gateway::receipts::Receipts::open(
        &folder.path().join("receipts"),
        log_key(),
        stillmark_gateway::receipts::Issuing {
            offer: None,
            models: std::collections::BTreeMap::new(),
            now: String::new,
            entropy: || None,
        },
    );
    assert!(opened.unwrap_err().to_string().contains("is missing"));
}

#[test]
fn while_the_log_cannot_be_written_nothing_is_let_in_and_nothing_is_lost() {
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let front = Front::new(behind.address, LOGGED, "");
    assert_eq!(status(&front.ask(&front.chat(ASK))), 200);
    let [tiles, away] = ["tile", "away"].map(|name| front.folder.path().join("receipts/log").join(name));
    let begun = Instant::now();
    while leaves(front.folder.path()).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(20));
    }
    // A file where a folder must be: nothing can be written below it.
    std::fs::rename(&tiles, &away).unwrap();
    std::fs::write(&tiles, "").unwrap();
    let until = |expected: u16| {
        let begun = Instant::now();
        let mut given = 0;
        loop {
            let found = status(&front.ask(&front.chat(ASK)));
            given += u64::from(found == 200);
            if found == expected {
                return given;
            }
            assert!(begun.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let before = until(503);
    std::fs::remove_file(&tiles).unwrap();
    std::fs::rename(&away, &tiles).unwrap();
    let after = until(200);
    front.gateway.close();
    let begun = Instant::now();
    while (leaves(front.folder.path()).len() as u64) < 1 + before + after {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(50));
    }
    let numbers: Vec<u64> = leaves(front.folder.path()).iter().map(|leaf| leaf.sequence).collect();
    assert_eq!(numbers, (1..=1 + before + after).collect::<Vec<_>>());
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            // A spool may be gone by now: its leaves are in the log that is copied later, or not at all.
            let _ = std::fs::copy(entry.path(), target);
        }
    }
}
