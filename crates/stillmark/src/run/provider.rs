//! What a provider is asked beside its model's answers: whether a grant was taken back, and its log of receipts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stillmark_distill::plan::Remote;
use stillmark_evidence::consent::{Grant, ending};
use stillmark_evidence::layout::path;
use stillmark_evidence::receipt::{Line, Shown, Witnessed, parse_kept, parse_shown, to_lines};
use stillmark_evidence::{Digest, verify};
use stillmark_ledger::note::VerifierKey;
use stillmark_ledger::tree::{Hash, verify_consistency, verify_inclusion};
use stillmark_ledger::{Checkpoint, checkpoint, proof};

use super::teacher::proxy;
use crate::consent;
use crate::files::{self, Secrecy};
use crate::interrupt;
use crate::problem::{Problem, Stop};

/// The longest that one of these questions may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// No answer is larger.
const LARGEST: u64 = 1 << 20;

/// A log signs at most a second behind its answers; this is how long its proofs are waited for.
const PATIENCE: u32 = 20;

/// Asks whether a grant was taken back, and keeps the answer beside it. A provider that cannot be asked stops the run.
pub(crate) fn ask_revoked(grant_file: &Path, grant: &Grant, id: Digest) -> Result<(), Problem> {
    let Some(address) = &grant.revocations else { return Ok(()) };
    let url = format!("{}/{id}", address.trim_end_matches('/'));
    let unknown = |problem: Problem| {
        problem.while_doing("whether the grant was taken back could not be found out").hint(
            "try again when the provider can be reached: no token is spent under a grant that may be void",
        )
    };
    let Some(bytes) = Web::to(&url).and_then(|web| web.fetch(&url)).map_err(unknown)? else { return Ok(()) };
    let mut held = consent::files(grant_file)?;
    held.revocation = Some(bytes.clone());
    verify::consent(&held, &verify::Trust::default()).map_err(|finding| {
        unknown(Problem::new(format!("{url} answered with no revocation")).cause(finding.to_string()))
    })?;
    files::write(&consent::beside(grant_file, ending::REVOCATION), &bytes, Secrecy::Public)
}

/// The log of receipts of a grant, with its address.
pub(crate) struct ReceiptLog {
    key: VerifierKey,
    url: String,
    file: PathBuf,
    kept: PathBuf,
    manifest: PathBuf,
    web: Web,
}

impl ReceiptLog {
    /// That of a grant, for a run folder; none where the grant brings no receipts.
    pub(crate) fn of(grant: &Grant, remote: &Remote, folder: &Path) -> Result<Option<Self>, Problem> {
        let Some(receipts) = &grant.receipts else { return Ok(None) };
        let key = VerifierKey::parse(&receipts.log).map_err(|refusal| {
            Problem::new("the grant names a log of receipts by no key").cause(refusal.to_string())
        })?;
        let url = receipts.url.clone().unwrap_or_else(|| well_known(&remote.url));
        let url = url.trim_end_matches('/').to_owned();
        let (file, kept) = (folder.join(path::RECEIPT_PROOFS), folder.join(path::RECEIPTS));
        let (manifest, web) = (folder.join(path::MANIFEST), Web::to(&url)?);
        Ok(Some(Self { key, url, file, kept, manifest, web }))
    }

    /// Whether every receipt that came has its proof.
    pub(crate) fn is_complete(&self) -> bool {
        let shown = std::fs::read(&self.file).ok().and_then(|bytes| parse_shown(&bytes).ok());
        let leaves = self.leaves().unwrap_or_default();
        let proven = |shown: Vec<Shown>| -> BTreeSet<Digest> {
            let place = |line| match line {
                Shown::Place { leaf, .. } => Some(leaf),
                Shown::Checkpoint(_) => None,
            };
            shown.into_iter().filter_map(place).collect()
        };
        let is_captured = self.manifest.exists() && !leaves.is_empty();
        is_captured && shown.map(proven).is_some_and(|proven| leaves.iter().all(|leaf| proven.contains(leaf)))
    }

    /// The hashes of the receipts that came.
    fn leaves(&self) -> Result<Vec<Digest>, Problem> {
        let Ok(bytes) = std::fs::read(&self.kept) else { return Ok(Vec::new()) };
        let kept = parse_kept(&bytes).map_err(|finding| Problem::new(finding.to_string()))?;
        let hash = |line| match line {
            Line::Kept(kept) => Some(kept.receipt.hash()),
            Line::Lost { .. } => None,
        };
        Ok(kept.into_iter().filter_map(hash).collect())
    }

    /// Notes how far the log is, before answers are asked for: it may only grow from there.
    pub(crate) fn note(&self) -> Result<(), Stop> {
        let mut seen = self.seen()?;
        self.grow(&mut seen)?;
        self.write(&seen, &[])?;
        Ok(())
    }

    /// Fetches the proof of every receipt that came.
    pub(crate) fn prove(&self) -> Result<(), Stop> {
        let leaves = self.leaves()?;
        if leaves.is_empty() {
            return Ok(());
        }
        for attempt in 0.. {
            let mut seen = self.seen()?;
            let head = self.grow(&mut seen)?;
            if let Some(places) = self.places(&leaves, &head)? {
                self.write(&seen, &places)?;
                return Ok(());
            }
            if attempt == PATIENCE {
                break;
            }
            std::thread::sleep(Duration::from_millis(250));
            if interrupt::requested() {
                return Err(
                    Problem::interrupted("run the same command with --resume: the answers are kept").into()
                );
            }
        }
        Err(Problem::new("the provider's log does not prove all its receipts")
            .cause(format!("{} has no proof of some of {}", self.url, self.kept.display()))
            .hint("ask the provider; run the same command with --resume to try again: the answers are kept")
            .into())
    }

    /// The places of the leaves under a checkpoint of that size; none where one is not there yet.
    fn places(&self, leaves: &[Digest], head: &Checkpoint) -> Result<Option<Vec<Shown>>, Problem> {
        let mut places = Vec::new();
        for leaf in leaves {
            let url = format!("{}/proof/{leaf}?size={}", self.url, head.size);
            let Some(bytes) = self.web.fetch(&url)? else { return Ok(None) };
            let proof = proof::parse(&bytes)
                .map_err(|refusal| Problem::new(format!("{url} gave no proof")).cause(refusal.to_string()))?;
            let hash = Hash(*leaf.as_bytes());
            if verify_inclusion(hash, proof.index, head.size, &proof.path, head.root).is_err() {
                // It may be under a later checkpoint: that one is asked for next.
                return Ok(None);
            }
            let path = proof.path.iter().map(ToString::to_string).collect();
            places.push(Shown::Place { leaf: *leaf, index: proof.index, path });
        }
        Ok(Some(places))
    }

    /// Takes in the log's checkpoint, with the proof that it grew out of the last one.
    fn grow(&self, seen: &mut Vec<Witnessed>) -> Result<Checkpoint, Problem> {
        let url = format!("{}/checkpoint", self.url);
        let bytes = self.web.fetch(&url)?.ok_or_else(|| {
            Problem::new(format!("{url} is not there"))
                .hint("the grant says that the provider logs receipts there: ask the provider")
        })?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let head = self.opened(&text, &url)?;
        let mut consistency = Vec::new();
        if let Some(last) = seen.last() {
            let before = self.opened(&last.checkpoint, &url)?;
            if last.checkpoint == text {
                return Ok(head);
            }
            let url = format!("{}/consistency/{}/{}", self.url, before.size, head.size);
            let lines = self.web.fetch(&url)?.unwrap_or_default();
            consistency = String::from_utf8_lossy(&lines).lines().map(str::to_owned).collect();
            let path: Option<Vec<Hash>> = consistency.iter().map(|line| Hash::from_base64(line)).collect();
            let grew = path.is_some_and(|path| verify_consistency(before.head(), head.head(), &path).is_ok());
            if !grew {
                return Err(Problem::new("the provider's log does not show that it only grew")
                    .cause(format!("{url} gives no proof from {} to {} entries", before.size, head.size))
                    .hint("ask the provider; keep evidence/receipts.jsonl, which holds both checkpoints as they were signed"));
            }
        }
        seen.push(Witnessed { checkpoint: text, consistency });
        Ok(head)
    }

    fn opened(&self, signed: &str, url: &str) -> Result<Checkpoint, Problem> {
        checkpoint::open(signed, std::slice::from_ref(&self.key)).map_err(|refusal| {
            Problem::new(format!("{url} gave no checkpoint of the log that the grant names"))
                .cause(refusal.to_string())
                .hint("ask the provider: its receipts are worth nothing without that log")
        })
    }

    fn seen(&self) -> Result<Vec<Witnessed>, Problem> {
        let Ok(bytes) = std::fs::read(&self.file) else { return Ok(Vec::new()) };
        let lines = parse_shown(&bytes).map_err(|finding| Problem::new(finding.to_string()))?;
        Ok(lines
            .into_iter()
            .filter_map(|line| match line {
                Shown::Checkpoint(seen) => Some(seen),
                Shown::Place { .. } => None,
            })
            .collect())
    }

    fn write(&self, seen: &[Witnessed], places: &[Shown]) -> Result<(), Problem> {
        let lines: Vec<Shown> =
            seen.iter().cloned().map(Shown::Checkpoint).chain(places.iter().cloned()).collect();
        let bytes = to_lines(&lines).map_err(|err| Problem::from_error(&err))?;
        if let Some(folder) = self.file.parent() {
            files::make_folder(folder)?;
        }
        files::write(&self.file, &bytes, Secrecy::Public)
    }
}

/// Where a provider's log lies when the grant does not say.
fn well_known(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let host = rest.split('/').next().unwrap_or_default();
    format!("{scheme}://{host}/.well-known/stillmark/receipts")
}

/// The way to one provider, whose connections are kept.
struct Web(ureq::Agent);

impl Web {
    /// To the host of an address, through the proxy that the environment names for it.
    fn to(url: &str) -> Result<Self, Problem> {
        let proxy = proxy(url).map(|proxy| ureq::Proxy::new(&proxy)).transpose();
        let proxy =
            proxy.map_err(|err| Problem::new("the proxy's address is none").cause(err.to_string()))?;
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(TIMEOUT))
            .proxy(proxy)
            .user_agent(concat!("stillmark/", env!("CARGO_PKG_VERSION")));
        Ok(Self(config.build().into()))
    }

    /// The body at an address; none where it is not there.
    fn fetch(&self, url: &str) -> Result<Option<Vec<u8>>, Problem> {
        let failed = |err: ureq::Error| {
            Problem::new(format!("{url} could not be fetched"))
                .cause(err.to_string())
                .hint("is the provider's API running? what was done is kept: --resume goes on")
        };
        let response = self.0.get(url).call().map_err(failed)?;
        match response.status().as_u16() {
            200 => {
                let body = response.into_body().into_with_config().limit(LARGEST).read_to_vec();
                body.map(Some).map_err(failed)
            }
            404 => Ok(None),
            status => Err(Problem::new(format!("{url} answered with status {status}"))),
        }
    }
}
