//! The machine of limits against a plain model of it, and its journal against kills.

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use stillmark_gateway::config::Network;
use stillmark_gateway::keys::{Key, Limits, NewKey, Pepper, Store};
use stillmark_gateway::limit::{Book, Bucket, Kind, Per, Want};
use stillmark_gateway::meter::{Asker, Cost, Denied, Meter};

/// What is done to a book.
#[derive(Debug, Clone)]
enum Act {
    Pass(u64),
    Reserve(Vec<(usize, u64)>),
    Settle(usize, u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let wants = prop::collection::btree_map(0_usize..4, 0_u64..30, 1..4);
    let act = prop_oneof![
        (0_u64..20_000).prop_map(Act::Pass),
        wants.prop_map(|wants| Act::Reserve(wants.into_iter().collect())),
        (any::<usize>(), 0_u64..40).prop_map(|(lease, used)| Act::Settle(lease, used)),
    ];
    prop::collection::vec(act, 1..80)
}

/// A bucket in exact fractions: use drains at the rate of limit over stretch, whole ticks at a time.
#[derive(Debug, Clone)]
struct Plain {
    limit: u128,
    ticks: Option<(u64, u128)>,
    /// What is used, in units over ticks.
    used: u128,
    held: u128,
    at: u64,
}

impl Plain {
    fn new(limit: u64, per: Per) -> Self {
        let ticks = per.ticks().map(|(tick_ms, ticks)| (tick_ms, u128::from(ticks)));
        Self { limit: u128::from(limit), ticks, used: 0, held: 0, at: 0 }
    }

    fn scale(&self) -> u128 {
        self.ticks.map_or(1, |(_, ticks)| ticks)
    }

    fn drain(&mut self, now_ms: u64) {
        let Some((tick_ms, _)) = self.ticks else { return };
        let now = now_ms / tick_ms;
        self.used = self.used.saturating_sub(u128::from(now - self.at) * self.limit);
        self.at = now;
    }

    fn room(&self) -> u128 {
        // What is used counts until it has drained as a whole.
        self.limit.saturating_sub(self.used.div_ceil(self.scale())).saturating_sub(self.held)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_book_does_what_the_plain_model_does(acts in acts()) {
        let kinds = [(25, Per::Minute), (7, Per::Second), (100, Per::Ever), (5, Per::Moment)];
        let mut book = Book::default();
        let ids = [0, 1, 2, 3].map(|idx| book.bucket(0, idx as u64, kinds[idx].0, kinds[idx].1));
        let mut plain = kinds.map(|(limit, per)| Plain::new(limit, per));
        let mut leases = Vec::new();
        let mut now = 0;
        for act in acts {
            match act {
                Act::Pass(ms) => now += ms,
                Act::Reserve(wants) => {
                    for bucket in &mut plain {
                        bucket.drain(now);
                    }
                    let fits = wants.iter().all(|(idx, amount)| plain[*idx].room() >= u128::from(*amount));
                    let asked: Vec<Want> =
                        wants.iter().map(|(idx, amount)| Want { bucket: ids[*idx], amount: *amount }).collect();
                    let before: Vec<Bucket> = ids.iter().map(|id| *book.get(*id)).collect();
                    match book.reserve(now, &asked) {
                        Ok(lease) => {
                            prop_assert!(fits);
                            for (idx, amount) in &wants {
                                plain[*idx].held += u128::from(*amount);
                            }
                            leases.push((lease, wants));
                        }
                        Err(denied) => {
                            prop_assert!(!fits);
                            let after: Vec<Bucket> = ids.iter().map(|id| *book.get(*id)).collect();
                            let held = |all: &[Bucket]| all.iter().map(Bucket::held).collect::<Vec<_>>();
                            prop_assert_eq!(held(&before), held(&after));
                            // After the time that is told, and not a tick before, there is room.
                            let bucket = *book.get(asked[denied.want].bucket);
                            let amount = asked[denied.want].amount;
                            if let (Some(wait_ms), Some((tick_ms, _))) = (denied.wait_ms, bucket.per().ticks()) {
                                let mut later = bucket;
                                later.drain(now / tick_ms * tick_ms + wait_ms);
                                prop_assert!(later.room() >= amount);
                                let mut sooner = bucket;
                                sooner.drain(now / tick_ms * tick_ms + wait_ms - tick_ms);
                                prop_assert!(sooner.room() < amount);
                            }
                        }
                    }
                }
                Act::Settle(which, used) => {
                    if leases.is_empty() {
                        continue;
                    }
                    let (lease, wants) = leases.swap_remove(which % leases.len());
                    let all = vec![used; wants.len()];
                    book.settle(now, &lease, &all);
                    for (idx, amount) in wants {
                        let bucket = &mut plain[idx];
                        bucket.drain(now);
                        bucket.held -= u128::from(amount);
                        if kinds[idx].1 != Per::Moment {
                            bucket.used += u128::from(used) * bucket.scale();
                        }
                    }
                }
            }
            for (id, plain) in ids.iter().zip(&mut plain) {
                let room = book.look(now, *id);
                plain.drain(now);
                prop_assert_eq!(u128::from(room.remaining), plain.room());
            }
        }
    }
}

/// A meter without a journal.
fn meter(network: Network) -> Meter {
    Meter::new(Limits::default(), network, Pepper::new([2; 32]), None).unwrap()
}

/// A holder of a key, at home.
fn at_home(key: &Key) -> Asker<'_> {
    Asker { key: Some(key), from: HOME, cap: None }
}

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

fn key(limits: Limits) -> Key {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("keys.sqlite")).unwrap();
    let new = NewKey { name: "nova".into(), limits, ..NewKey::default() };
    store.add(&new, &Pepper::new([1; 32]), &[7; 64], 0).unwrap();
    store.keys().unwrap().remove(0)
}

#[test]
fn nothing_is_let_in_beyond_a_limit_however_many_ask_at_once() {
    let limits = Limits { tokens_per_day: Some(10_000), concurrent: Some(40), ..Limits::default() };
    let key = key(limits);
    let meter = meter(Network::default());
    let spent = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (meter, key, spent) = (&meter, &key, &spent);
            scope.spawn(move || {
                for idx in 0..50_000_u64 {
                    let cost = Cost { prompt: 1, answer: (idx * 7 + thread) % 13 };
                    if let Ok(ticket) = meter.admit_here(0, at_home(key), cost) {
                        spent.fetch_add(cost.prompt + cost.answer, std::sync::atomic::Ordering::Relaxed);
                        meter.settle_here(0, &ticket, cost);
                    }
                }
            });
        }
    });
    let spent = spent.into_inner();
    assert!((9_988..=10_000).contains(&spent), "{spent}");
}

#[test]
fn what_was_taken_is_remembered_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("limits.journal");
    let limits =
        Limits { tokens_per_day: Some(100_000), answer_tokens_ever: Some(1_000), ..Limits::default() };
    let key = key(limits);
    let open =
        || Meter::new(Limits::default(), Network::default(), Pepper::new([2; 32]), Some(&journal)).unwrap();
    let cost = |answer| Cost { prompt: 10, answer };
    let meter = open();
    let settled = meter.admit_here(1_000, at_home(&key), cost(600)).unwrap();
    meter.settle_here(1_000, &settled, cost(200));
    let in_flight = meter.admit_here(1_000, at_home(&key), cost(300)).unwrap();
    // The process dies here: nothing is settled, nothing is said.
    drop(meter);
    drop(in_flight);
    // Half a record more, as a write that was cut leaves.
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes.extend_from_slice(&bytes.clone()[..20]);
    std::fs::write(&journal, bytes).unwrap();
    for _ in 0..2 {
        let meter = open();
        let over = meter.admit_here(1_000, at_home(&key), cost(501)).unwrap_err();
        let Denied::Limit { kind, wait_ms, .. } = over else { panic!("{over:?}") };
        assert_eq!((kind, wait_ms), (Kind::AnswerTokensEver, None));
        let fits = meter.admit_here(1_000, at_home(&key), cost(500)).unwrap();
        meter.settle_here(1_000, &fits, cost(0));
    }
}

#[test]
fn addresses_and_networks_have_limits_of_their_own() {
    let network = Network {
        address_requests_per_minute: Some(2),
        network_requests_per_minute: Some(3),
        unauthenticated_per_minute: Some(1),
    };
    let key = key(Limits::default());
    let meter = meter(network);
    let ask = |last: [u8; 2]| {
        let from = IpAddr::V4(Ipv4Addr::new(192, 0, last[0], last[1]));
        meter.admit_here(0, Asker { key: Some(&key), from, cap: None }, Cost::default()).map(|_| ()).map_err(
            |denied| match denied {
                Denied::Limit { kind, wait_ms, .. } => (kind, wait_ms.is_some()),
                Denied::Unknown => unreachable!(),
            },
        )
    };
    assert_eq!(ask([2, 1]), Ok(()));
    assert_eq!(ask([2, 1]), Ok(()));
    assert_eq!(ask([2, 1]), Err((Kind::Address, true)));
    assert_eq!(ask([2, 2]), Ok(()));
    assert_eq!(ask([2, 3]), Err((Kind::Network, true)));
    assert_eq!(ask([3, 3]), Ok(()));
    let nobody = Asker { key: None, from: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), cap: None };
    assert!(meter.admit_here(0, nobody, Cost::default()).is_ok());
    assert!(meter.admit_here(0, nobody, Cost::default()).is_err());
}

#[test]
fn ten_thousand_idle_keys_are_small() {
    assert!(size_of::<Bucket>() <= 56);
    let mut book = Book::default();
    for name in 0..30_000 {
        book.bucket(0, name, 10, Per::Minute);
    }
    assert_eq!(book.count(), 30_000);
    book.forget_empty(0, |name| name % 3 != 0);
    assert_eq!(book.count(), 10_000);
}
