//! Contamination tests: false alarms on null data of several kinds, power against models that have seen the items, and refusals.

mod constat;
mod gap;
mod power;
mod unseen;

use stillmark_benchmark::Error;
use stillmark_benchmark::contamination::asking::{Answer, Answers, Ask, Head, Question, SCHEMA, digest};
use stillmark_benchmark::record::{self, Record, Subset};
use stillmark_stats::draws::Draws;
use stillmark_stats::uniformity::binomial_band;

/// How a synthetic model answers a question.
pub(crate) trait Model {
    fn ln_p(&self, context: &str, text: &str) -> f64;
    fn z(&self, text: &str) -> Vec<f64>;
    fn goes_on(&self, prompt: &str) -> String;
}

/// Asks a synthetic model.
pub(crate) fn ask(test: &str, questions: &[Question], model: &dyn Model) -> Answers {
    let answer = |question: &Question| match &question.ask {
        Ask::Likelihood { context, text } => Answer::likelihood(&question.id, model.ln_p(context, text)),
        Ask::Surprise { text } => Answer::surprise(&question.id, model.z(text)),
        Ask::Continuation { prompt, .. } => Answer::continuation(&question.id, model.goes_on(prompt)),
    };
    let head = Head {
        schema: SCHEMA.to_owned(),
        test: test.to_owned(),
        questions: digest(questions).unwrap(),
        model: "synthetic".to_owned(),
    };
    Answers::new(head, questions.iter().map(answer).collect()).unwrap()
}

/// What the items of a null benchmark look like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Words drawn anew for each item.
    Fresh,
    /// One sentence with few words exchanged.
    Template,
    /// The same few items over and over.
    Repeated,
}

const SYLLABLES: [&str; 20] = [
    "ka", "lo", "mi", "ter", "van", "os", "ri", "bel", "du", "nem", "sha", "pro", "qui", "fen", "gal", "hu",
    "jo", "wex", "yr", "zu",
];

pub(crate) fn word(draws: &mut Draws) -> String {
    (0..2 + draws.below(3)).map(|_| SYLLABLES[draws.below(20)]).collect()
}

/// A benchmark drawn from a seed.
pub(crate) fn benchmark(kind: Kind, items: usize, seed: u64) -> Subset {
    let mut draws = Draws::new(seed);
    let pool = if kind == Kind::Repeated { 3 } else { items };
    let fresh: Vec<Record> = (0..pool).map(|_| item(kind, &mut draws)).collect();
    let records = (0..items).map(|idx| {
        if kind == Kind::Repeated { fresh[draws.below(pool)].clone() } else { fresh[idx].clone() }
    });
    Subset { name: "made".to_owned(), split: "test".to_owned(), records: records.collect() }
}

fn item(kind: Kind, draws: &mut Draws) -> Record {
    let question = if kind == Kind::Template {
        format!("Which town of the island is the {} one of {}?", word(draws), SYLLABLES[draws.below(5)])
    } else {
        let words: Vec<String> = (0..8 + draws.below(8)).map(|_| word(draws)).collect();
        format!("{}?", words.join(" "))
    };
    let choices = (0..4).map(|_| format!("{} {}", word(draws), word(draws))).collect();
    let answer = record::Answer::Choice { choices, gold: vec![draws.below(4)] };
    Record { context: None, question, answer }
}

/// A number that follows from bytes and a seed, between 0 and 1.
pub(crate) fn hashed(seed: u64, bytes: &str) -> f64 {
    let fold = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let state = bytes.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, fold);
    Draws::new(state).bits() as f64 / u64::MAX as f64
}

/// False alarms at several levels lie inside the binomial band; below it they may lie where values are tied.
pub(crate) fn within_band(what: &str, p: &[f64], exact: Exact) {
    for level in [0.01, 0.05, 0.2] {
        let alarms = p.iter().filter(|p| **p <= level + 1e-12).count() as u64;
        let (low, high) = binomial_band(p.len() as u64, level, 1e-4);
        println!("{what}: {alarms} of {} at {level} (band {low} to {high})", p.len());
        assert!(alarms <= high, "{what}: {alarms} of {} at {level}, at most {high}", p.len());
        assert!(exact == Exact::AtMost || alarms >= low, "{what}: {alarms} at {level}, at least {low}");
    }
}

/// Whether false alarms should be as many as the level says, or no more.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Exact {
    Equal,
    AtMost,
}

#[test]
fn answers_are_read_or_refused_by_line() {
    let head = r#"{"schema":"stillmark/contamination-answers/v1","test":"order","questions":"0000000000000000000000000000000000000000000000000000000000000000","model":"m"}"#;
    let said = |text: &str| match Answers::parse(text.as_bytes()) {
        Err(Error::Malformed { at, problem, .. }) => format!("{at}: {problem}"),
        other => format!("{other:?}"),
    };
    assert_eq!(said(""), "line 1: the file is empty");
    assert!(said("{}").starts_with("line 1: missing field"));
    assert!(
        said(&head.replace("answers/v1", "answers/v9"))
            .contains("and not `stillmark/contamination-answers/v1`")
    );
    let cut = format!("{head}\n{{\"id\":\"a\",\"ln_p\":-1.0}}\n{{\"id\":\"b\"");
    assert!(said(&cut).starts_with("line 3: EOF"), "{}", said(&cut));
    let nan = format!("{head}\n{{\"id\":\"a\",\"ln_p\":NaN}}");
    assert!(said(&nan).starts_with("line 2: "), "{}", said(&nan));
    let twice = format!("{head}\n{{\"id\":\"a\",\"ln_p\":-1.0}}\n{{\"id\":\"a\",\"ln_p\":-2.0}}");
    assert_eq!(said(&twice), "a: is answered twice");
    let good = Answers::parse(format!("{head}\n{{\"id\":\"a\",\"ln_p\":-1.0}}\n").as_bytes()).unwrap();
    assert_eq!(Answers::parse(&good.to_bytes().unwrap()).unwrap(), good);
    assert!(good.ln_p("b").unwrap_err().to_string().contains("b: is not answered"));
    assert!(good.text("a").unwrap_err().to_string().contains("`text` is missing"));
    assert!(
        good.must_answer("options", good.head.questions)
            .unwrap_err()
            .to_string()
            .contains("the test `order`")
    );
}
