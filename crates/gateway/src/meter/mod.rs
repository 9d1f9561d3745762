//! Letting requests in: which buckets one falls under, what it may come to cost, and what it did cost.

mod here;
mod place;

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use self::here::Here;
use self::place::{network_of, single};
use crate::config::{Network, OnOutage};
use crate::keys::{Key, Limits, Pepper};
use crate::limit::{self, Bucket, Claim, KEPT, Kind, Lease, Link, Room, Shared, SharedLease};

/// What a request may come to cost, or came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Tokens of the prompt.
    pub prompt: u64,
    /// Tokens of all answers.
    pub answer: u64,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The key that the request brought.
    pub key: Option<&'a Key>,
    /// Where it comes from.
    pub from: IpAddr,
    /// How many tokens of answers its grant allows for ever.
    pub cap: Option<u64>,
}

/// What was reserved for a request that was let in.
#[derive(Debug)]
#[must_use = "what is not settled stays held"]
pub struct Ticket {
    claims: Vec<Claim>,
    held: Held,
    left: Left,
}

/// Where something is held.
#[derive(Debug)]
enum Held {
    Here(Lease),
    Together(SharedLease),
    /// In this gateway's share, while the shared server is away.
    Share(Lease),
    /// Nowhere: the shared server is away, and the configuration lets requests in all the same.
    Nowhere,
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// A limit has no room.
    Limit {
        /// Which.
        kind: Kind,
        /// How much it is.
        limit: u64,
        /// When there is room, in milliseconds; none where waiting does not help.
        wait_ms: Option<u64>,
    },
    /// What is taken could not be found out or written down, so nothing is let in.
    Unknown,
}

impl Denied {
    fn limit(claims: &[Claim], denied: limit::Denied) -> Self {
        let claim = claims[denied.want];
        Self::Limit { kind: claim.kind, limit: claim.limit, wait_ms: denied.wait_ms }
    }
}

/// What is left of what a key may take in a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// Requests.
    pub requests: Option<Room>,
    /// Tokens.
    pub tokens: Option<Room>,
}

impl Left {
    fn of(claims: &[Claim], buckets: &[Bucket]) -> Self {
        let room = |kind: Kind| Some(Room::of(&buckets[claims.iter().position(|claim| claim.kind == kind)?]));
        Self { requests: room(Kind::RequestsPerMinute), tokens: room(Kind::TokensPerMinute) }
    }
}

impl Ticket {
    /// What was left when the request was let in.
    pub fn left(&self) -> &Left {
        &self.left
    }
}

/// What gateways count together, and what happens where they cannot.
#[derive(Debug)]
pub struct Together {
    /// The server.
    pub shared: Arc<Shared>,
    /// What happens while it is away.
    pub on_outage: OnOutage,
    /// Among how many gateways the limits are divided then.
    pub replicas: u64,
    /// Requests that were let in meanwhile, unseen or in this gateway's share.
    unseen: AtomicU64,
}

impl Together {
    /// Counts on a server.
    pub fn new(shared: Shared, on_outage: OnOutage, replicas: u64) -> Self {
        Self { shared: Arc::new(shared), on_outage, replicas, unseen: AtomicU64::new(0) }
    }
}

/// How it stands with what gateways count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) is_out: bool,
    pub(crate) outages: u64,
    pub(crate) unseen: u64,
}

/// The limits, and what is taken of them.
#[derive(Debug)]
pub struct Meter {
    /// All limits; where they are counted together, those alone that hold while the server is away.
    here: Here,
    together: Option<Together>,
    /// Addresses are hashed with what nobody outside knows, so that none is made to fall into another's bucket.
    pepper: Pepper,
    /// The limits of every key that says nothing itself, and of addresses.
    rules: ArcSwap<(Limits, Network)>,
}

impl Meter {
    /// A meter of this process alone, whose journal, where one is given, goes on where it ended.
    ///
    /// # Errors
    /// Where the journal cannot be read or begun.
    pub fn new(
        of_keys: Limits,
        network: Network,
        pepper: Pepper,
        journal: Option<&Path>,
    ) -> io::Result<Self> {
        Ok(Self {
            here: Here::new(journal)?,
            together: None,
            pepper,
            rules: ArcSwap::from_pointee((of_keys, network)),
        })
    }

    /// Counts together with other gateways.
    #[must_use]
    pub fn with(self, together: Together) -> Self {
        Self { together: Some(together), ..self }
    }

    /// A thread's way to what is counted together; only within an event loop.
    pub(crate) fn link(&self) -> Option<std::rc::Rc<Link>> {
        self.together.as_ref().map(|together| Link::new(Arc::clone(&together.shared)))
    }

    /// Takes other limits on, of every key that says nothing itself and of addresses. What is used of the old ones is used of the new.
    pub fn set_limits(&self, of_keys: Limits, network: Network) {
        self.rules.store(Arc::new((of_keys, network)));
    }

    /// Lets a request in, or says why not.
    ///
    /// # Errors
    /// Where a limit has no room, or cannot be asked: then nothing was taken of any.
    pub(crate) async fn admit(
        &self,
        link: Option<&Link>,
        now_ms: u64,
        asker: Asker<'_>,
        cost: Cost,
    ) -> Result<Ticket, Denied> {
        self.reserve(link, now_ms, self.claims(asker, cost)).await
    }

    /// Lets a request in, of what this process alone counts.
    ///
    /// # Errors
    /// Where a limit has no room: then nothing was taken of any.
    pub fn admit_here(&self, now_ms: u64, asker: Asker<'_>, cost: Cost) -> Result<Ticket, Denied> {
        self.reserve_here(now_ms, self.claims(asker, cost))
    }

    /// Counts an attempt without a good key.
    ///
    /// # Errors
    /// Where there were too many from that address: then nothing was taken.
    pub(crate) async fn admit_unknown(
        &self,
        link: Option<&Link>,
        now_ms: u64,
        from: IpAddr,
    ) -> Result<(), Denied> {
        let claims = self.rules.load().1.unauthenticated_per_minute.map(|limit| Claim {
            name: self.address(Kind::Unauthenticated, from),
            kind: Kind::Unauthenticated,
            limit,
            amount: 1,
        });
        // Nothing of it stays held, so there is nothing to settle.
        self.reserve(link, now_ms, claims.into_iter().collect()).await.map(drop)
    }

    /// Reserves more tokens for an answer that outgrows what was reserved, in a ticket of its own.
    ///
    /// # Errors
    /// Where a limit has no room, or cannot be asked.
    pub(crate) async fn extend(
        &self,
        link: Option<&Link>,
        now_ms: u64,
        claims: Vec<Claim>,
    ) -> Result<Ticket, Denied> {
        self.reserve(link, now_ms, claims).await
    }

    /// Settles what a request came to cost.
    pub(crate) fn settle(&self, link: Option<&Link>, now_ms: u64, ticket: &Ticket, cost: Cost) {
        let used: Vec<u64> = ticket.claims.iter().map(|claim| amount(claim.kind, cost)).collect();
        match (&ticket.held, link) {
            (Held::Together(lease), Some(link)) => link.settle(lease, &used),
            // Nobody is there to tell: it counts in full at the end of its time.
            (Held::Together(_), None) | (Held::Nowhere, _) => {}
            (Held::Here(lease) | Held::Share(lease), _) => {
                self.here.settle(now_ms, lease, &ticket.claims, &used);
            }
        }
    }

    /// Settles what this process alone counts.
    pub fn settle_here(&self, now_ms: u64, ticket: &Ticket, cost: Cost) {
        self.settle(None, now_ms, ticket, cost);
    }

    /// What is taken of everything that a key is limited in.
    ///
    /// # Errors
    /// Where the shared server cannot be asked.
    #[expect(dead_code, reason = "the console shows it")]
    pub(crate) async fn look(
        &self,
        link: Option<&Link>,
        now_ms: u64,
        (key, cap): (&Key, Option<u64>),
    ) -> Result<Vec<(Kind, Bucket)>, limit::Outage> {
        let mut claims = Vec::new();
        self.of_key(key, cap, Cost::default(), &mut claims);
        let buckets = match link {
            Some(link) => link.look(&claims).await?,
            None => self.here.look(now_ms, &claims),
        };
        Ok(claims.iter().map(|claim| claim.kind).zip(buckets).collect())
    }

    /// How it stands with what is counted together.
    pub(crate) fn standing(&self) -> Option<Standing> {
        let together = self.together.as_ref()?;
        let (is_out, outages) = together.shared.outages();
        Some(Standing { is_out, outages, unseen: together.unseen.load(Ordering::Relaxed) })
    }

    /// Asks the disk to keep the journal.
    ///
    /// # Errors
    /// Where it does not.
    pub fn sync(&self) -> io::Result<()> {
        self.here.sync()
    }

    async fn reserve(&self, link: Option<&Link>, now_ms: u64, claims: Vec<Claim>) -> Result<Ticket, Denied> {
        let (Some(together), Some(link)) = (&self.together, link) else {
            return self.reserve_here(now_ms, claims);
        };
        if claims.is_empty() {
            return Ok(Ticket { claims, held: Held::Nowhere, left: Left::default() });
        }
        match link.reserve(&claims).await {
            Ok(Ok((lease, buckets))) => {
                let left = Left::of(&claims, &buckets);
                Ok(Ticket { claims, held: Held::Together(lease), left })
            }
            Ok(Err(denied)) => Err(Denied::limit(&claims, denied)),
            Err(limit::Outage) => self.without(together, now_ms, claims),
        }
    }

    /// What is done while the shared server is away. A quota for ever is never given out unseen.
    fn without(&self, together: &Together, now_ms: u64, claims: Vec<Claim>) -> Result<Ticket, Denied> {
        if claims.iter().any(|claim| claim.kind == Kind::AnswerTokensEver) {
            return Err(Denied::Unknown);
        }
        match together.on_outage {
            OnOutage::Closed => Err(Denied::Unknown),
            OnOutage::Open => {
                together.unseen.fetch_add(1, Ordering::Relaxed);
                Ok(Ticket { claims, held: Held::Nowhere, left: Left::default() })
            }
            OnOutage::LocalShare => {
                let share = |claim: Claim| Claim { limit: claim.limit / together.replicas.max(1), ..claim };
                let claims: Vec<Claim> = claims.into_iter().map(share).collect();
                let (lease, buckets) = self.here.reserve(now_ms, &claims)?;
                together.unseen.fetch_add(1, Ordering::Relaxed);
                let left = Left::of(&claims, &buckets);
                Ok(Ticket { claims, held: Held::Share(lease), left })
            }
        }
    }

    fn reserve_here(&self, now_ms: u64, claims: Vec<Claim>) -> Result<Ticket, Denied> {
        let (lease, buckets) = self.here.reserve(now_ms, &claims)?;
        let left = Left::of(&claims, &buckets);
        Ok(Ticket { claims, held: Held::Here(lease), left })
    }

    /// Everything that a request asks for.
    fn claims(&self, asker: Asker<'_>, cost: Cost) -> Vec<Claim> {
        let mut claims = Vec::with_capacity(8);
        if let Some(key) = asker.key {
            self.of_key(key, asker.cap, cost, &mut claims);
        }
        let network = self.rules.load().1;
        let unknown = network.unauthenticated_per_minute.filter(|_| asker.key.is_none());
        let of_address = [
            (Kind::Address, network.address_requests_per_minute),
            (Kind::Network, network.network_requests_per_minute),
            (Kind::Unauthenticated, unknown),
        ];
        for (kind, limit) in of_address {
            let Some(limit) = limit else { continue };
            claims.push(Claim { name: self.address(kind, asker.from), kind, limit, amount: 1 });
        }
        claims
    }

    fn of_key(&self, key: &Key, cap: Option<u64>, cost: Cost, claims: &mut Vec<Claim>) {
        let mut limits = key.limits.or(self.rules.load().0);
        limits.answer_tokens_ever = limits.answer_tokens_ever.into_iter().chain(cap).min();
        for (kind, name) in Kind::OF_KEYS.into_iter().zip(key.buckets) {
            let Some(limit) = limits.of(kind) else { continue };
            claims.push(Claim { name, kind, limit, amount: amount(kind, cost) });
        }
    }

    fn address(&self, kind: Kind, from: IpAddr) -> u64 {
        let from = if kind == Kind::Network { network_of(from) } else { single(from) };
        let mut text = [0; 17];
        text[0] = kind as u8;
        text[1..].copy_from_slice(&from.to_be_bytes());
        self.pepper.number(&text) & !KEPT
    }
}

impl Ticket {
    /// What to ask for where an answer outgrows what was reserved by so many tokens.
    pub(crate) fn growth(&self, more: u64) -> Vec<Claim> {
        let tokens = self.claims.iter().filter(|claim| claim.kind.counts_tokens());
        tokens.map(|claim| Claim { amount: more, ..*claim }).collect()
    }
}

fn amount(kind: Kind, cost: Cost) -> u64 {
    match kind {
        Kind::TokensPerMinute | Kind::TokensPerDay => cost.prompt.saturating_add(cost.answer),
        Kind::AnswerTokensEver => cost.answer,
        _ => 1,
    }
}
