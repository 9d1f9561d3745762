//! The provider's receipts, kept beside the records: one for each answer given under a grant (docs/spec/receipt.md).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use stillmark_agreement::Granted;
use stillmark_evidence::receipt::{Kept, Line, Receipt, parse_kept, to_lines};
use stillmark_evidence::{Digest, whole_file};

use crate::Error;

/// The file's name in the folder of the records.
const NAME: &str = "receipts.jsonl";

/// A provider that counts more answers than this without a receipt for them does not count.
const MOST_LOST: u64 = 1_000_000;

/// The file of receipts of one dataset.
#[derive(Debug)]
pub(crate) struct Receipts {
    path: PathBuf,
    /// The hashes of those that are there, once the file was read.
    here: Option<BTreeSet<Digest>>,
}

impl Receipts {
    /// Those of the dataset in `folder`.
    pub(crate) fn of(folder: &Path) -> Self {
        Self { path: folder.join(NAME), here: None }
    }

    /// Everything that is kept; a last line that was cut short is dropped.
    pub(crate) fn read(&self) -> Result<Vec<Line>, Error> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(Error::Io { path: self.path.clone(), source }),
        };
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines = parse_kept(&bytes[..whole]).map_err(|finding| Error::Input {
            path: self.path.clone(),
            line: 0,
            detail: finding.detail,
        })?;
        if whole < bytes.len() {
            whole_file::write(&self.path, &bytes[..whole]).map_err(Error::io(&self.path))?;
        }
        Ok(lines)
    }

    /// Adds receipts that are not there yet, and syncs them: an answer that was paid for is not paid for twice.
    pub(crate) fn add(&mut self, new: &[Kept]) -> Result<(), Error> {
        let mut here = match self.here.take() {
            Some(here) => here,
            None => hashes(&self.read()?).collect(),
        };
        let new: Vec<&Kept> = new.iter().filter(|kept| here.insert(kept.receipt.hash())).collect();
        self.here = Some(here);
        if new.is_empty() {
            return Ok(());
        }
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .map_err(Error::io(&self.path))?;
        file.write_all(&to_lines(&new)?).and_then(|()| file.sync_all()).map_err(Error::io(&self.path))
    }

    /// Ends the file: numbers that the provider counted and no receipt came for are told as lost. Gives the hashes by source.
    pub(crate) fn close(&self) -> Result<BTreeMap<String, Vec<Digest>>, Error> {
        let mut lines = self.read()?;
        let (mut numbers, mut told, mut by_source) =
            (BTreeSet::new(), BTreeSet::new(), BTreeMap::<String, Vec<Digest>>::new());
        for line in &lines {
            match line {
                Line::Lost { lost } => {
                    told.insert(*lost);
                }
                Line::Kept(kept) => {
                    numbers.extend(kept.receipt.leaf().ok().map(|leaf| leaf.sequence));
                    by_source.entry(kept.source.clone()).or_default().push(kept.receipt.hash());
                }
            }
        }
        let all: Vec<u64> = numbers.iter().copied().collect();
        let gaps: u64 = all.windows(2).fold(0, |sum, pair| sum.saturating_add(pair[1] - pair[0] - 1));
        if MOST_LOST < gaps {
            let detail = format!("the provider's count leaves out {gaps} answers: ask the provider");
            return Err(Error::Input { path: self.path.clone(), line: 0, detail });
        }
        let gaps = all.windows(2).flat_map(|pair| pair[0] + 1..pair[1]);
        let lost: Vec<Line> =
            gaps.filter(|number| !told.contains(number)).map(|lost| Line::Lost { lost }).collect();
        if !lost.is_empty() {
            lines.extend(lost);
            whole_file::write(&self.path, &to_lines(&lines)?).map_err(Error::io(&self.path))?;
        }
        Ok(by_source)
    }
}

/// The leaf hashes of the receipts among some lines.
fn hashes(lines: &[Line]) -> impl Iterator<Item = Digest> {
    lines.iter().filter_map(|line| match line {
        Line::Kept(kept) => Some(kept.receipt.hash()),
        Line::Lost { .. } => None,
    })
}

/// The receipt in a header, if it is one for this answer under this grant; a grant with receipts wants one for each answer.
pub(crate) fn accept(
    header: Option<&str>,
    answer: &str,
    granted: Option<&Granted>,
) -> Result<Option<Receipt>, Error> {
    let Some(granted) = granted.filter(|granted| granted.receipts.is_some()) else { return Ok(None) };
    let mismatch = |found: String| Error::Mismatch {
        what: "the provider's receipt",
        expected: format!("one for this answer under the grant {}", granted.id),
        found,
    };
    let Some(header) = header else { return Err(mismatch("none".to_owned())) };
    let receipt = Receipt::from_header(header).map_err(|finding| mismatch(finding.detail))?;
    let leaf = receipt.leaf().map_err(|finding| mismatch(finding.detail))?;
    if leaf.grant != Some(granted.id) || leaf.tenant != granted.grantee {
        let other = leaf.grant.map_or("no grant".to_owned(), |grant| format!("the grant {grant}"));
        return Err(mismatch(format!("one of the tenant {} under {other}", leaf.tenant)));
    }
    if leaf.model.name != granted.asset {
        return Err(mismatch(format!("one for an answer of `{}`", leaf.model.name)));
    }
    let is_in_time = leaf.day().is_ok_and(|day| granted.not_before <= day && day <= granted.until);
    if !is_in_time {
        return Err(mismatch(format!("one of {}, outside the grant's days", leaf.time)));
    }
    if let Some(cap) = granted.tokens.filter(|cap| *cap < leaf.spent) {
        return Err(mismatch(format!("one that counts {} tokens, of {cap} granted", leaf.spent)));
    }
    if !receipt.is_for(&leaf, answer) {
        return Err(mismatch("one for another answer".to_owned()));
    }
    Ok(Some(receipt))
}
