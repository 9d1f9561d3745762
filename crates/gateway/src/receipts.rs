//! Receipts: a leaf for each answer, handed out at once and in the log at most a second later.
//!
//! A leaf is written to a spool before its receipt goes out, and from there to the log in batches, one signature a batch. A process that
//! is killed leaves its spool behind, and the next one logs it: no receipt is given whose leaf is forgotten.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stillmark_evidence::Digest;
use stillmark_evidence::keys::KeyId;
use stillmark_evidence::receipt::{self, Answered, Leaf, Model, Receipt, Tokens};
use stillmark_ledger::asked::{self, Asked};
use stillmark_ledger::note::SigningKey;
use stillmark_ledger::prover::Prover;
use stillmark_ledger::tree::leaf_hash;
use stillmark_ledger::{Log, whole_file};

/// A batch is logged when it has so many leaves,
const BATCH: usize = 256;

/// or after so long.
const LATEST: Duration = Duration::from_millis(500);

/// Beyond so many leaves that wait for the log, nothing more is let in.
const MOST_WAITING: usize = 65_536;

/// What every receipt says, and where its chance and time come from.
#[derive(Debug, Clone)]
pub struct Issuing {
    /// The offer in force.
    pub offer: Option<Digest>,
    /// The digests of models' weights, by name.
    pub models: BTreeMap<String, Digest>,
    /// The time, RFC 3339 in UTC.
    pub now: fn() -> String,
    /// 64 random bytes; none where there are none to be had.
    pub entropy: fn() -> Option<[u8; 64]>,
}

/// Why there is no log of receipts.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// A file beside the log cannot be used.
    #[error("{} cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The log itself cannot be used.
    #[error("the log of receipts cannot be used")]
    Log(#[from] stillmark_ledger::Error),
    /// A leaf or the counts could not be read or written.
    #[error("the counts of receipts cannot be used")]
    Evidence(#[from] stillmark_evidence::Error),
    /// The log has entries, and nothing says how many are whose.
    #[error("{} is missing, and the log has entries: nothing says how many answers each grant was given", .0.display())]
    NoCounts(PathBuf),
    /// A file beside the log is not what this program wrote.
    #[error("{} is damaged", .0.display())]
    Damaged(PathBuf),
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Given<'a> {
    pub(crate) tenant: KeyId,
    pub(crate) grant: Option<Digest>,
    pub(crate) model: &'a str,
    pub(crate) prompt: &'a str,
    pub(crate) answer: &'a str,
    pub(crate) tokens: Tokens,
}

/// What was given under a grant so far: answers, and tokens of them.
type Count = (u64, u64);

/// The receipts of a gateway.
#[derive(Debug)]
pub struct Receipts {
    folder: PathBuf,
    key: SigningKey,
    issuing: Issuing,
    spool: Mutex<Spool>,
    full: Condvar,
    prover: Mutex<Prover>,
    /// None after a failure, until it is opened anew.
    log: Mutex<Option<Log>>,
    is_stuck: AtomicBool,
}

#[derive(Debug)]
struct Spool {
    counts: BTreeMap<(KeyId, Option<Digest>), Count>,
    file: File,
    number: u64,
    /// The first spool that is still there.
    oldest: u64,
    waiting: Vec<Vec<u8>>,
}

impl Receipts {
    /// Opens the log of receipts in a folder, or makes it; what a process that was killed left behind is logged first.
    ///
    /// # Errors
    /// Where the folder is not what this program left.
    pub fn open(folder: &Path, key: SigningKey, issuing: Issuing) -> Result<Self, ReceiptError> {
        let of_file = |path: &Path| {
            let path = path.to_owned();
            |source| ReceiptError::File { path, source }
        };
        let spools = folder.join("spool");
        fs::create_dir_all(&spools).map_err(of_file(&spools))?;
        let mut log = Log::open_or_create(&folder.join("log"), key.clone())?;
        let (left, numbers) = left_behind(&spools)?;
        let mut counts = counts(&folder.join("counts"), log.size(), &left)?;
        append(&mut log, &left)?;
        for leaf in &left {
            count(&mut counts, leaf).ok_or_else(|| ReceiptError::Damaged(spools.clone()))?;
        }
        save(&folder.join("counts"), &counts)?;
        let number = numbers.last().map_or(1, |last| last + 1);
        let path = spool_path(&spools, number);
        let file = File::create(&path).map_err(of_file(&path))?;
        for old in numbers {
            // They are in the log; one that cannot be removed is found there again.
            let _ = fs::remove_file(spool_path(&spools, old));
        }
        let prover = Prover::open(&folder.join("log"), log.verifier())?;
        let spool = Spool { counts, file, number, oldest: number, waiting: Vec::new() };
        Ok(Self {
            folder: folder.to_owned(),
            key,
            issuing,
            spool: Mutex::new(spool),
            full: Condvar::new(),
            prover: Mutex::new(prover),
            log: Mutex::new(Some(log)),
            is_stuck: AtomicBool::new(false),
        })
    }

    /// Whether the log cannot be written, or is so far behind that nothing more should be let in.
    pub(crate) fn is_behind(&self) -> bool {
        self.is_stuck.load(Ordering::Relaxed) || held(&self.spool).waiting.len() >= MOST_WAITING
    }

    /// The receipt for an answer; its leaf outlives this process from here on.
    pub(crate) fn issue(&self, given: &Given<'_>) -> Result<Receipt, ReceiptError> {
        let none = || io::Error::other("there is no entropy");
        let of_spool = |source| ReceiptError::File { path: self.folder.join("spool"), source };
        let random = (self.issuing.entropy)().ok_or_else(none).map_err(of_spool)?;
        let mut salts = [[0; 32]; 2];
        salts[0].copy_from_slice(&random[..32]);
        salts[1].copy_from_slice(&random[32..]);
        let time = (self.issuing.now)();
        let answered = Answered {
            tenant: given.tenant,
            grant: given.grant,
            offer: self.issuing.offer,
            model: Model {
                name: given.model.to_owned(),
                sha256: self.issuing.models.get(given.model).copied(),
            },
            prompt: given.prompt,
            answer: given.answer,
            tokens: given.tokens,
            watermark: None,
            time: &time,
            salts,
        };
        let mut spool = held(&self.spool);
        let of_grant = (given.tenant, given.grant);
        let (answers, tokens) = spool.counts.get(&of_grant).copied().unwrap_or_default();
        let count = (answers + 1, tokens.saturating_add(given.tokens.answer));
        let receipt = receipt::receipt(&answered, count.0, count.1)?;
        let mut line = receipt.leaf.clone().into_bytes();
        line.push(b'\n');
        spool.file.write_all(&line).map_err(of_spool)?;
        line.pop();
        spool.counts.insert(of_grant, count);
        spool.waiting.push(line);
        if spool.waiting.len() >= BATCH {
            self.full.notify_one();
        }
        Ok(receipt)
    }

    /// Logs what waits, batch by batch, until `is_over` says that nothing more will come. While the log cannot be written nothing is let in,
    /// and what waits is tried again.
    ///
    /// # Errors
    /// Where it is over and the log cannot be written; what waits is in the spool still.
    pub(crate) fn write(&self, is_over: impl Fn() -> bool) -> Result<(), ReceiptError> {
        loop {
            let over = is_over();
            let mut spool = held(&self.spool);
            if spool.waiting.len() < BATCH && !over {
                spool = self.full.wait_timeout(spool, LATEST).unwrap_or_else(PoisonError::into_inner).0;
            }
            let written = self.batch(spool);
            self.is_stuck.store(written.is_err(), Ordering::Relaxed);
            match written {
                Ok(()) if over && held(&self.spool).waiting.is_empty() => return Ok(()),
                Ok(()) => {}
                Err(err) if over => return Err(err),
                Err(_) => std::thread::sleep(LATEST),
            }
        }
    }

    fn batch(&self, mut spool: MutexGuard<'_, Spool>) -> Result<(), ReceiptError> {
        if spool.waiting.is_empty() {
            return Ok(());
        }
        let spools = self.folder.join("spool");
        let number = spool.number;
        let path = spool_path(&spools, number + 1);
        spool.file = File::create(&path).map_err(|source| ReceiptError::File { path, source })?;
        spool.number += 1;
        let waiting = std::mem::take(&mut spool.waiting);
        let counts = spool.counts.clone();
        drop(spool);
        let logged = self.logged(&waiting);
        let mut spool = held(&self.spool);
        if let Err(err) = logged {
            let later = std::mem::replace(&mut spool.waiting, waiting);
            spool.waiting.extend(later);
            return Err(err);
        }
        let oldest = std::mem::replace(&mut spool.oldest, number + 1);
        drop(spool);
        save(&self.folder.join("counts"), &counts)?;
        for old in oldest..=number {
            // It is in the log; were it still there at the next start, it would be found there.
            let _ = fs::remove_file(spool_path(&spools, old));
        }
        held(&self.prover).refresh()?;
        Ok(())
    }

    /// Appends leaves to the log. After a failure the log is opened anew: it may hold some of them already.
    fn logged(&self, waiting: &[Vec<u8>]) -> Result<(), ReceiptError> {
        let mut kept = held(&self.log);
        if self.is_stuck.load(Ordering::Relaxed) {
            // It lets go of the folder, which has one writer at a time.
            *kept = None;
        }
        let log = match kept.take() {
            Some(log) => log,
            None => Log::open(&self.folder.join("log"), self.key.clone())?,
        };
        append(kept.insert(log), waiting)
    }

    /// Answers a question about the log; none where there is nothing, or not yet.
    pub(crate) fn answer(&self, asked: &Asked) -> Result<Option<asked::Answer>, ReceiptError> {
        Ok(asked::answer(&mut held(&self.prover), asked)?)
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is whole between any two statements that can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spool_path(spools: &Path, number: u64) -> PathBuf {
    spools.join(format!("{number:016x}.jsonl"))
}

/// The leaves in the spools of a process that ended, in their order, and the spools' numbers. A line that was cut was never given.
fn left_behind(spools: &Path) -> Result<(Vec<Vec<u8>>, Vec<u64>), ReceiptError> {
    let of_file = |source| ReceiptError::File { path: spools.to_owned(), source };
    let mut numbers = Vec::new();
    for entry in fs::read_dir(spools).map_err(of_file)? {
        let name = entry.map_err(of_file)?.file_name();
        let number =
            name.to_str().and_then(|name| u64::from_str_radix(name.strip_suffix(".jsonl")?, 16).ok());
        numbers.push(number.ok_or_else(|| ReceiptError::Damaged(spools.join(&name)))?);
    }
    numbers.sort_unstable();
    let mut leaves = Vec::new();
    for number in &numbers {
        let bytes = fs::read(spool_path(spools, *number)).map_err(of_file)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines = bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        leaves.extend(lines.map(<[u8]>::to_vec));
    }
    Ok((leaves, numbers))
}

/// Appends the leaves that the log does not end with yet.
fn append(log: &mut Log, leaves: &[Vec<u8>]) -> Result<(), ReceiptError> {
    let Some(first) = leaves.first().map(|leaf| leaf_hash(leaf)) else { return Ok(()) };
    let mut unlogged = leaves;
    for index in log.size().saturating_sub(leaves.len() as u64)..log.size() {
        if log.reader().leaf(index)? == first {
            unlogged = leaves.get((log.size() - index) as usize..).unwrap_or_default();
            break;
        }
    }
    for batch in unlogged.chunks(BATCH) {
        let entries: Vec<&[u8]> = batch.iter().map(Vec::as_slice).collect();
        log.append(&entries)?;
    }
    Ok(())
}

/// What was given so far, as it was saved with the last batch.
fn counts(
    path: &Path,
    size: u64,
    left: &[Vec<u8>],
) -> Result<BTreeMap<(KeyId, Option<Digest>), Count>, ReceiptError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(err) if err.kind() == io::ErrorKind::NotFound && size <= left.len() as u64 => String::new(),
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            return Err(ReceiptError::NoCounts(path.to_owned()));
        }
        Err(source) => return Err(ReceiptError::File { path: path.to_owned(), source }),
    };
    let line = |line: &str| {
        let mut words = line.split(' ');
        let tenant = words.next()?.parse().ok()?;
        let grant = match words.next()? {
            "-" => None,
            grant => Some(grant.parse().ok()?),
        };
        let count = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        words.next().is_none().then_some(((tenant, grant), count))
    };
    text.lines().map(line).collect::<Option<_>>().ok_or_else(|| ReceiptError::Damaged(path.to_owned()))
}

/// Takes a leaf of a spool into the counts.
fn count(counts: &mut BTreeMap<(KeyId, Option<Digest>), Count>, leaf: &[u8]) -> Option<()> {
    let leaf: Leaf = serde_json::from_slice(leaf).ok()?;
    let count = counts.entry((leaf.tenant, leaf.grant)).or_default();
    *count = (count.0.max(leaf.sequence), count.1.max(leaf.spent));
    Some(())
}

fn save(path: &Path, counts: &BTreeMap<(KeyId, Option<Digest>), Count>) -> Result<(), ReceiptError> {
    let line = |((tenant, grant), (answers, tokens)): (&(KeyId, Option<Digest>), &Count)| {
        let grant = grant.map_or("-".to_owned(), |grant| grant.to_string());
        format!("{tenant} {grant} {answers} {tokens}\n")
    };
    let text: String = counts.iter().map(line).collect();
    whole_file::write(path, text.as_bytes())
        .map_err(|source| ReceiptError::File { path: path.to_owned(), source })
}
