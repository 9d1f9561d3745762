//! Where keys are kept (`SQLite`), and the copy in memory that requests are held against.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, params};
use stillmark_evidence::Digest;

use crate::limit::Kind;

use super::secret::{self, Pepper, Presented, Secret};

/// What a key may take; where it says nothing, what the configuration says for all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Requests in a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_day: Option<u64>,
    /// Tokens in a minute, of prompts and answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// Tokens in a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_day: Option<u64>,
    /// Tokens of answers for ever: what a grant allows to distill from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_tokens_ever: Option<u64>,
    /// Requests at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent: Option<u64>,
    /// Whether log-probabilities are given out as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted: Option<bool>,
}

impl Limits {
    /// These, and what `others` say where these say nothing.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            requests_per_minute: self.requests_per_minute.or(others.requests_per_minute),
            requests_per_day: self.requests_per_day.or(others.requests_per_day),
            tokens_per_minute: self.tokens_per_minute.or(others.tokens_per_minute),
            tokens_per_day: self.tokens_per_day.or(others.tokens_per_day),
            answer_tokens_ever: self.answer_tokens_ever.or(others.answer_tokens_ever),
            concurrent: self.concurrent.or(others.concurrent),
            trusted: self.trusted.or(others.trusted),
        }
    }

    /// What it allows of a kind; none where that is not limited by key.
    pub(crate) fn of(&self, kind: Kind) -> Option<u64> {
        match kind {
            Kind::RequestsPerMinute => self.requests_per_minute,
            Kind::RequestsPerDay => self.requests_per_day,
            Kind::TokensPerMinute => self.tokens_per_minute,
            Kind::TokensPerDay => self.tokens_per_day,
            Kind::AnswerTokensEver => self.answer_tokens_ever,
            Kind::Concurrent => self.concurrent,
            Kind::Address | Kind::Network | Kind::Unauthenticated => None,
        }
    }
}

/// A key as it is known, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its public name, 12 characters.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its owner, by the name of the key they sign with; the hash of the public name where there is none.
    pub tenant: Digest,
    /// The grant that it takes under.
    pub grant: Option<Digest>,
    /// What it may take.
    pub limits: Limits,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// When it was revoked.
    pub revoked_ms: Option<u64>,
    /// The names of its buckets, in the order of [`Kind::OF_KEYS`].
    pub(crate) buckets: [u64; 6],
    /// The hashes of its secrets, the newest first, and until when each is good.
    secrets: Vec<Hashed>,
}

/// The hash of a secret, and until when it is good.
type Hashed = ([u8; 32], Option<u64>);

/// What is said of a key that is to be made.
#[derive(Debug, Clone, Default)]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// Its owner.
    pub tenant: Option<Digest>,
    /// The grant.
    pub grant: Option<Digest>,
    /// What it may take.
    pub limits: Limits,
}

/// The database could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `SQLite` says why.
    #[error("the database of keys could not be used")]
    Sqlite(#[from] rusqlite::Error),
    /// A row that this program did not write.
    #[error("the database of keys holds `{0}`, which is none of ours")]
    Foreign(String),
    /// No such key.
    #[error("there is no key `{0}`")]
    Unknown(String),
}

/// The database of keys.
#[derive(Debug)]
pub struct Store {
    db: Connection,
    version: i64,
}

const SCHEMA: &str = "
create table if not exists keys (
  id text primary key, name text not null, tenant text not null, grant_digest text, limits text not null,
  created_ms integer not null, revoked_ms integer) strict;
create table if not exists secrets (
  mac blob primary key, key text not null references keys(id), created_ms integer not null, until_ms integer) strict;
pragma user_version = 1;";

impl Store {
    /// Opens a database, and makes it where there is none.
    ///
    /// # Errors
    /// Where the file cannot be used, or is another version's.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let db = Connection::open(path)?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        db.pragma_update(None, "journal_mode", "wal")?;
        db.pragma_update(None, "foreign_keys", true)?;
        let version: i64 = db.query_row("pragma user_version", [], |row| row.get(0))?;
        if version > 1 {
            return Err(StoreError::Foreign(format!("version {version}")));
        }
        db.execute_batch(SCHEMA)?;
        Ok(Self { db, version: -1 })
    }

    /// Makes a key. Its secret is nowhere but in the answer.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn add(
        &self,
        key: &NewKey,
        pepper: &Pepper,
        random: &[u8; 64],
        now_ms: u64,
    ) -> Result<(Secret, String), StoreError> {
        let secret = Secret::new(random);
        let Ok(presented) = secret.presented() else {
            return Err(StoreError::Foreign("a new key".to_owned()));
        };
        let id = presented.id.to_owned();
        let tenant = key.tenant.unwrap_or_else(|| Digest::of(id.as_bytes()));
        let limits = serde_json::to_string(&key.limits).unwrap_or_default();
        let grant = key.grant.map(|grant| grant.to_string());
        self.db.execute("begin immediate", [])?;
        let written = self
            .db
            .execute(
                "insert into keys values (?, ?, ?, ?, ?, ?, null)",
                params![id, key.name, tenant.to_string(), grant, limits, now_ms as i64],
            )
            .and_then(|_| self.add_secret(&id, &pepper.hash(presented), now_ms));
        self.finish(written)?;
        Ok((secret, id))
    }

    /// Gives a key a second secret; the one before is good until `until_ms`.
    ///
    /// # Errors
    /// Where there is no such key, or it cannot be written.
    pub fn rotate(
        &self,
        id: &str,
        pepper: &Pepper,
        random: &[u8; 64],
        times_ms: [u64; 2],
    ) -> Result<Secret, StoreError> {
        let [now_ms, until_ms] = times_ms;
        self.known(id)?;
        let secret = Secret::with_id(id, random);
        let Ok(presented) = secret.presented() else { return Err(StoreError::Unknown(id.to_owned())) };
        self.db.execute("begin immediate", [])?;
        let written = self
            .db
            .execute(
                "update secrets set until_ms = min(coalesce(until_ms, ?2), ?2) where key = ?1",
                params![id, until_ms as i64],
            )
            .and_then(|_| {
                // Two live secrets are enough for a change of keys: older ones go.
                self.db.execute(
                    "delete from secrets where key = ?1 and mac not in
                     (select mac from secrets where key = ?1 order by created_ms desc limit 1)",
                    params![id],
                )
            })
            .and_then(|_| self.add_secret(id, &pepper.hash(presented), now_ms));
        self.finish(written)?;
        Ok(secret)
    }

    /// Ends a key; it stays in the list.
    ///
    /// # Errors
    /// Where there is no such key, or it cannot be written.
    pub fn revoke(&self, id: &str, now_ms: u64) -> Result<(), StoreError> {
        self.known(id)?;
        self.db.execute(
            "update keys set revoked_ms = coalesce(revoked_ms, ?2) where id = ?1",
            params![id, now_ms as i64],
        )?;
        Ok(())
    }

    /// All keys, the oldest first.
    ///
    /// # Errors
    /// Where the database cannot be read, or a row is none of ours.
    pub fn keys(&self) -> Result<Vec<Key>, StoreError> {
        let mut secrets: BTreeMap<String, Vec<Hashed>> = BTreeMap::new();
        let mut rows = self.db.prepare("select key, mac, until_ms from secrets order by created_ms desc")?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let until: Option<i64> = row.get(2)?;
            secrets.entry(row.get(0)?).or_default().push((row.get(1)?, until.map(|until| until as u64)));
        }
        let mut rows = self.db.prepare(
            "select id, name, tenant, grant_digest, limits, created_ms, revoked_ms from keys order by created_ms, id",
        )?;
        let mut rows = rows.query([])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            let foreign = || StoreError::Foreign(format!("key {id}"));
            let tenant: String = row.get(2)?;
            let grant: Option<String> = row.get(3)?;
            let limits: String = row.get(4)?;
            let revoked: Option<i64> = row.get(6)?;
            let grant = grant.map(|grant| grant.parse()).transpose().map_err(|_| foreign())?;
            keys.push(Key {
                name: row.get(1)?,
                tenant: tenant.parse().map_err(|_| foreign())?,
                grant,
                buckets: buckets(&id, grant),
                limits: serde_json::from_str(&limits).map_err(|_| foreign())?,
                created_ms: row.get::<_, i64>(5)? as u64,
                revoked_ms: revoked.map(|revoked| revoked as u64),
                secrets: secrets.remove(&id).unwrap_or_default(),
                id,
            });
        }
        Ok(keys)
    }

    /// The keys, if another connection changed them since they were last read here.
    ///
    /// # Errors
    /// As [`Self::keys`].
    pub fn changed(&mut self) -> Result<Option<Ring>, StoreError> {
        let version: i64 = self.db.query_row("pragma data_version", [], |row| row.get(0))?;
        if version == self.version {
            return Ok(None);
        }
        let ring = Ring::new(self.keys()?);
        self.version = version;
        Ok(Some(ring))
    }

    fn add_secret(&self, id: &str, mac: &[u8; 32], now_ms: u64) -> rusqlite::Result<usize> {
        self.db.execute("insert into secrets values (?, ?, ?, null)", params![mac, id, now_ms as i64])
    }

    fn known(&self, id: &str) -> Result<(), StoreError> {
        let found: Option<i64> =
            self.db.query_row("select 1 from keys where id = ?", [id], |row| row.get(0)).optional()?;
        found.map(|_| ()).ok_or_else(|| StoreError::Unknown(id.to_owned()))
    }

    fn finish(&self, written: rusqlite::Result<usize>) -> Result<(), StoreError> {
        self.db.execute(if written.is_ok() { "commit" } else { "rollback" }, [])?;
        written?;
        Ok(())
    }
}

/// The names of a key's buckets. What may be distilled is counted by the grant: all keys under it share that.
fn buckets(id: &str, grant: Option<Digest>) -> [u64; 6] {
    Kind::OF_KEYS.map(|kind| match grant {
        Some(grant) if kind == Kind::AnswerTokensEver => kind.name(&grant.to_string()),
        _ => kind.name(id),
    })
}

/// The keys as requests are held against them.
#[derive(Debug, Default)]
pub struct Ring {
    keys: BTreeMap<String, std::sync::Arc<Key>>,
}

impl Ring {
    /// The keys that are not revoked.
    pub fn new(keys: Vec<Key>) -> Self {
        let live = keys.into_iter().filter(|key| key.revoked_ms.is_none());
        Self { keys: live.map(|key| (key.id.clone(), key.into())).collect() }
    }

    /// The key that was presented, where its secret is right and still good.
    pub fn find(
        &self,
        presented: Presented<'_>,
        pepper: &Pepper,
        now_ms: u64,
    ) -> Option<&std::sync::Arc<Key>> {
        let mac = pepper.hash(presented);
        let key = self.keys.get(presented.id)?;
        let fits = |(own, until): &Hashed| secret::same(own, &mac) & until.is_none_or(|until| now_ms < until);
        key.secrets.iter().fold(false, |found, own| found | fits(own)).then_some(key)
    }

    /// How many keys there are.
    pub fn count(&self) -> usize {
        self.keys.len()
    }
}
