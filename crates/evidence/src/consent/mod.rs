//! Consent to distill (protocol sections 1 and 2): the provider's [`Grant`], the builder's [`Acceptance`] and the
//! provider's [`Revocation`], each a statement of its own (docs/spec/grant.md).
//!
//! An agreement has two signatures. A grant that was not countersigned, or was taken back, is nobody's consent:
//! [`crate::verify::consent`] tells which it is, [`Consent::faults`] holds it against what was done under it.

mod grant;
mod standing;

pub use grant::{Acceptance, Asset, Caps, GivenDuty, Grant, Party, Receipts, Revocation};
pub use standing::{Consent, Standing, Use};

use crate::{Digest, Finding, FindingKind, bundle};

/// The endings of the files of one consent, which share a stem; all but the first may be absent.
pub mod ending {
    /// The grant's bundle.
    pub const GRANT: &str = ".sigstore.json";
    /// The acceptance's bundle.
    pub const ACCEPTANCE: &str = ".accepted.sigstore.json";
    /// The proof that the acceptance was logged.
    pub const ACCEPTANCE_PROOF: &str = ".accepted.tlog-proof";
    /// The revocation's bundle.
    pub const REVOCATION: &str = ".revoked.sigstore.json";
}

/// The bytes of the files of one consent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// The grant's bundle.
    pub grant: Vec<u8>,
    /// The acceptance's bundle.
    pub acceptance: Option<Vec<u8>>,
    /// The proof that the acceptance was logged.
    pub acceptance_proof: Option<Vec<u8>>,
    /// The revocation's bundle.
    pub revocation: Option<Vec<u8>>,
}

impl Files {
    /// Reads the files that lie beside a grant; `read` gives a file's bytes, or none where there is no such file.
    pub fn beside<E>(
        grant: &str,
        mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Option<Self>, E> {
        let stem = grant.strip_suffix(ending::GRANT).unwrap_or(grant);
        let Some(bytes) = read(grant)? else { return Ok(None) };
        let mut other = |ending: &str| read(&format!("{stem}{ending}"));
        Ok(Some(Self {
            grant: bytes,
            acceptance: other(ending::ACCEPTANCE)?,
            acceptance_proof: other(ending::ACCEPTANCE_PROOF)?,
            revocation: other(ending::REVOCATION)?,
        }))
    }

    /// Each file that is there, by its ending.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let others = [
            (ending::ACCEPTANCE, &self.acceptance),
            (ending::ACCEPTANCE_PROOF, &self.acceptance_proof),
            (ending::REVOCATION, &self.revocation),
        ];
        let others = others.into_iter().filter_map(|(ending, bytes)| Some((ending, bytes.as_deref()?)));
        std::iter::once((ending::GRANT, self.grant.as_slice())).chain(others)
    }
}

/// The name of a grant: the digest of its signed bytes, whatever bundle they lie in.
pub fn id(grant: &[u8]) -> Result<Digest, Finding> {
    let payload = bundle::parse(grant)?.envelope().payload()?;
    Ok(Digest::of(&payload))
}

/// The stem that the files of a grant go by in a run folder.
pub fn stem(id: Digest) -> String {
    id.to_string()[..16].to_owned()
}

fn fault(kind: FindingKind, id: Digest, detail: impl Into<String>) -> Finding {
    Finding::new(kind, format!("grant {}", stem(id)), detail)
}
