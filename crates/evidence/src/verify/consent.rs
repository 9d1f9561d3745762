//! The files of one consent: three signatures, two parties, one log proof.

use crate::consent::{Acceptance, Consent, Files, Grant, Revocation, Standing};
use crate::keys::PublicKey;
use crate::verify::signed::{Trust, Verified, open, statement};
use crate::{Date, Digest, Finding, FindingKind, Predicate, Statement, bundle};
use stillmark_ledger::note::VerifierKey;
use stillmark_ledger::proof;

/// Verifies the files of a consent. A grant carries both parties' keys; whether the issuer's is trusted is told, not demanded.
pub fn consent(files: &Files, trust: &Trust) -> Result<Verified<Consent>, Finding> {
    let parsed = bundle::parse(&files.grant)?;
    let payload = parsed.envelope().payload()?;
    let grant: Statement<Grant> = statement(&payload)?;
    let key = |party: &str, pem: &str| {
        PublicKey::from_pem(pem)
            .map_err(|error| Finding::new(FindingKind::Malformed, party, error.to_string()))
    };
    let issuer = key("issuer.key", &grant.predicate.issuer.key)?;
    let grantee = key("grantee.key", &grant.predicate.grantee.key)?;
    open(&parsed, &Trust::of([issuer.clone()])).map_err(|finding| named("grant", finding))?;
    let id = Digest::of(&payload);
    let accepted = files
        .acceptance
        .as_deref()
        .map(|bytes| {
            let acceptance = of_grant::<Acceptance>(bytes, &grantee, id);
            let acceptance = acceptance.map_err(|finding| named("acceptance", finding))?.predicate;
            let is_logged = is_logged(bytes, &acceptance, files.acceptance_proof.as_deref())?;
            Ok::<_, Finding>((acceptance.accepted_on, is_logged))
        })
        .transpose()?;
    let revoked = files
        .revocation
        .as_deref()
        .map(|bytes| {
            of_grant::<Revocation>(bytes, &issuer, id).map_err(|finding| named("revocation", finding))
        })
        .transpose()?;
    let (signer, is_issuer_trusted) = (issuer.id(), trust.contains(issuer.id()));
    let standing = standing(accepted, revoked.map(|statement| statement.predicate));
    let (issuer, grantee) = (issuer.id(), grantee.id());
    Ok(Verified::new(Consent { id, grant, issuer, is_issuer_trusted, grantee, standing }, Some(signer)))
}

fn standing(accepted: Option<(Date, bool)>, revoked: Option<Revocation>) -> Standing {
    match (accepted, revoked) {
        (accepted, Some(Revocation { revoked_on, reason })) => {
            let accepted = accepted.filter(|(_, is_logged)| *is_logged).map(|(on, _)| on);
            Standing::Revoked { on: revoked_on, reason, accepted }
        }
        (Some((on, is_logged)), None) => Standing::Accepted { on, is_logged },
        (None, None) => Standing::Offered,
    }
}

/// A statement about the grant, signed by one key alone.
fn of_grant<P: Predicate>(bytes: &[u8], key: &PublicKey, id: Digest) -> Result<Statement<P>, Finding> {
    let (payload, _) = open(&bundle::parse(bytes)?, &Trust::of([key.clone()]))?;
    let statement: Statement<P> = statement(&payload)?;
    if statement.subject[0].digest.sha256 == id {
        return Ok(statement);
    }
    let detail = format!("it is about the grant {}, not about {id}", statement.subject[0].digest.sha256);
    Err(Finding::new(FindingKind::BrokenEdge, "subject", detail))
}

/// Whether the countersignature is in its log; a proof that is there has to hold.
fn is_logged(bundle: &[u8], acceptance: &Acceptance, proof: Option<&[u8]>) -> Result<bool, Finding> {
    let Some(bytes) = proof else { return Ok(false) };
    let key = VerifierKey::parse(&acceptance.log)
        .map_err(|_| Finding::new(FindingKind::Malformed, "acceptance log", "not the key of a log"))?;
    let refuse = |refusal: stillmark_ledger::Refusal| {
        Finding::new(super::logged::kind(&refusal), "acceptance proof", refusal.to_string())
    };
    let parsed = proof::parse(bytes).map_err(refuse)?;
    proof::verify(&parsed, Digest::of(bundle).as_bytes(), std::slice::from_ref(&key)).map_err(refuse)?;
    Ok(true)
}

/// Says in which of the files something was found; a key that is not the party's is a broken edge.
fn named(file: &str, finding: Finding) -> Finding {
    let kind = match finding.kind {
        FindingKind::UnknownSigner => FindingKind::BrokenEdge,
        kind => kind,
    };
    Finding::new(kind, format!("{file}: {}", finding.subject), finding.detail)
}
