//! Grants and offers on disk: read with what lies beside them, and put before the engine.

use std::path::{Path, PathBuf};

use stillmark_agreement::{Consent, Offer};
use stillmark_distill::Plan;
use stillmark_distill::plan::Place;
use stillmark_evidence::consent::{Files, Use, ending};
use stillmark_evidence::layout::path;
use stillmark_evidence::verify::{self, Verified};
use stillmark_evidence::{Finding, consent};

use crate::files;
use crate::keys;
use crate::problem::Problem;
use crate::session::Session;
use crate::trust;

/// A consent as its files show it.
pub(crate) type Shown = Verified<consent::Consent>;

/// Reads a grant with its acceptance, the proof of that, and its revocation, as far as they lie beside it.
pub(crate) fn files(grant: &Path) -> Result<Files, Problem> {
    let name = grant.to_string_lossy();
    let read = |file: &str| match std::fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(files::cannot("read", Path::new(file), &error)),
    };
    Files::beside(&name, read)?.ok_or_else(|| {
        Problem::new(format!("there is no grant at {}", grant.display()))
            .hint("it is the file that the provider sent: `stillmark agreement grant issue` writes it")
    })
}

/// Verifies a grant and what lies beside it.
pub(crate) fn open(grant: &Path, trusted: &[PathBuf], session: &Session) -> Result<Shown, Problem> {
    let trust = trust::load(trusted, &session.settings.trust)?;
    verify::consent(&files(grant)?, &trust).map_err(|finding| unsound(grant, &finding))
}

/// The file beside a grant with another ending.
pub(crate) fn beside(grant: &Path, other: &str) -> PathBuf {
    let name = grant.to_string_lossy();
    PathBuf::from(format!("{}{other}", name.strip_suffix(ending::GRANT).unwrap_or(&name)))
}

/// The grant that a plan names, with what the plan tells of its use.
pub(crate) fn of_plan(plan: &Plan, base: &Path, session: &Session) -> Result<Option<Consent>, Problem> {
    let teacher = plan.teacher();
    let offer = offer_of(plan, base)?;
    let Some(grant) = &teacher.grant else { return Ok(None) };
    let shown = open(&grant_at(base, grant), &[], session)?;
    let name = match &teacher.place {
        Place::Remote(remote) => Some(remote.model.clone()),
        Place::Embedded { .. } => None,
    };
    let asset = offer.filter(|_| name.is_some()).map(|offer| offer.digest());
    if shown.grant.predicate.asset.kind == "api" && asset.is_none() {
        return Err(Problem::new("the grant is about the offer of an API, and the plan names no offer")
            .hint("name it by `teacher.offer`: the distillation.toml that the API makes, the one the grant was given on"));
    }
    Ok(Some(Consent::new(shown, Use { builder: builder(base, session), asset, name, ..Use::default() })))
}

/// Where a plan's grant lies: where the plan says, or in the run folder that the plan lies in.
pub(crate) fn grant_at(base: &Path, grant: &str) -> PathBuf {
    let named = base.join(grant);
    if named.exists() {
        return named;
    }
    let entries = std::fs::read_dir(base.join(path::CONSENT)).into_iter().flatten().flatten();
    let mut grants = entries.map(|entry| entry.path()).filter(|path| {
        let name = path.to_string_lossy();
        name.ends_with(ending::GRANT)
            && !name.ends_with(ending::ACCEPTANCE)
            && !name.ends_with(ending::REVOCATION)
    });
    grants.next().unwrap_or(named)
}

/// Where a plan's offer lies: where the plan says, or in the run folder that the plan lies in.
pub(crate) fn offer_at(base: &Path, offer: &str) -> PathBuf {
    let (named, kept) = (base.join(offer), base.join(path::OFFER));
    if !named.exists() && kept.exists() { kept } else { named }
}

/// The grant that an asset of a provenance file names.
pub(crate) fn of_asset(grant: &Path, name: Option<String>, session: &Session) -> Result<Consent, Problem> {
    let shown = open(grant, &[], session)?;
    Ok(Consent::new(shown, Use { name, ..Use::default() }))
}

/// The offer that a plan names; it has to be about the plan's teacher, and its preset among the terms.
pub(crate) fn offer_of(plan: &Plan, base: &Path) -> Result<Option<Offer>, Problem> {
    let teacher = plan.teacher();
    let Some(file) = &teacher.offer else { return Ok(None) };
    let offer = offer(&offer_at(base, file))?;
    let preset = offer.draft.preset.id();
    if !teacher.terms.iter().any(|terms| terms == preset) {
        return Err(Problem::new(format!(
            "the offer {file} is under `{preset}`, which is not among the terms"
        ))
        .hint(format!("add \"{preset}\" to `teacher.terms`")));
    }
    if let Place::Remote(remote) = &teacher.place
        && remote.model != offer.draft.asset
    {
        let asset = &offer.draft.asset;
        return Err(Problem::new(format!(
            "the offer {file} is about `{asset}`, not about `{}`",
            remote.model
        ))
        .hint("name the offer that this API makes, at /.well-known/distillation.toml"));
    }
    Ok(Some(offer))
}

/// Reads an offer.
pub(crate) fn offer(path: &Path) -> Result<Offer, Problem> {
    Offer::parse(&files::read_text(path)?).map_err(|err| {
        Problem::from_error(&err)
            .while_doing(format!("{} is not a sound offer", path.display()))
            .hint("`stillmark agreement new` writes one; docs/spec/offer.md has the format")
    })
}

/// The name of the key that stands for the student: of a run folder its signer's, else the one that the user signs with.
fn builder(base: &Path, session: &Session) -> Option<stillmark_evidence::Digest> {
    let signer = base.join(path::SIGNER);
    if signer.is_file() {
        return trust::read(&signer).ok().map(|key| key.id());
    }
    keys::read_private(&session.settings.key).ok().map(|key| key.public().id())
}

/// A file of a consent that does not hold.
pub(crate) fn unsound(path: &Path, finding: &Finding) -> Problem {
    Problem::new(format!("{} is not a sound grant", path.display())).cause(finding.to_string()).hint(format!(
        "`stillmark explain {}` says what that means; ask the provider for the grant anew",
        finding.kind
    ))
}
