//! Hidden markers: `docs/spec/text-marker.md`, its vectors, and its false alarms.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Instant;

use proptest::prelude::*;
use serde_json::Value;
use stillmark_watermark::marker::{
    Authenticity, Binding, Bound, Class, Error, MarkKey, Padding, RUNS_LISTED, SPACING_CHARACTERS, embed,
    embed_manifest, extract_manifest, find, nfc, strip,
};

/// The cases of one file of vectors.
fn cases(file: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/text-marker");
    let known: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(known.len(), 5, "a test reads each of {known:?}");
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_default()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn key(fill: u8) -> MarkKey {
    MarkKey::from_bytes([fill; 32])
}

/// The smallest manifest store: a superbox with nothing but its description.
fn store() -> Vec<u8> {
    bytes(text(&cases("manifest-write.json")[0], "store"))
}

fn counts(case: &Value) -> BTreeMap<String, usize> {
    serde_json::from_value(case.clone()).unwrap()
}

fn named(classes: &BTreeMap<Class, usize>) -> BTreeMap<String, usize> {
    classes.iter().map(|(class, count)| (class.as_str().to_owned(), *count)).collect()
}

/// An embedding's outcome in one word.
fn word(error: &Error) -> &'static str {
    match error {
        Error::Payload { .. } => "payload",
        Error::Key => "key",
        Error::Blank => "blank",
        Error::ManifestFirst => "manifest-first",
        Error::Manifest { .. } => "refused",
        Error::SecondManifest => "second",
        Error::SeveralManifests { .. } => "several",
        Error::DamagedManifest => "damaged",
        _ => "other",
    }
}

#[test]
fn marks_are_embedded_as_the_vectors_say() {
    for case in cases("embed.json") {
        let binding = if case["bind"] == true { Binding::Text } else { Binding::Free };
        let payload = bytes(text(&case, "payload"));
        let made = MarkKey::from_hex(text(&case, "key"))
            .and_then(|key| embed(text(&case, "text"), &payload, &key, binding));
        match made {
            Ok(marked) => {
                assert_eq!(text(&case, "expect"), "marked", "{case}");
                assert_eq!(marked, text(&case, "marked"), "{case}");
                assert_eq!(strip(&marked).0, nfc(text(&case, "text")), "{case}");
            }
            Err(err) => assert_eq!(word(&err), text(&case, "expect"), "{case}"),
        }
    }
}

#[test]
fn marks_are_judged_as_the_vectors_say() {
    for case in cases("verify.json") {
        let keys = case["keys"].as_array().unwrap();
        let keys: Vec<MarkKey> =
            keys.iter().map(|key| MarkKey::from_hex(key.as_str().unwrap()).unwrap()).collect();
        let report = find(text(&case, "text"), &keys);
        let Some(mark) = report.marks.first() else {
            assert_eq!(text(&case, "expect"), "absent", "{case}");
            assert!(report.is_marked() && report.run_count == 1, "{case}");
            continue;
        };
        let authenticity = match mark.authenticity {
            Authenticity::Untested => "untested",
            Authenticity::Fails => "fails",
            Authenticity::Holds { key } => {
                assert_eq!(key, keys.len() - 1, "{case}");
                "holds"
            }
        };
        let bound = match mark.bound {
            Bound::Free => "free",
            Bound::Unknown => "unknown",
            Bound::ThisText => "this-text",
            Bound::AnotherText => "another-text",
        };
        assert_eq!((authenticity, bound), (text(&case, "expect"), text(&case, "bound")), "{case}");
        assert_eq!((report.marks.len(), mark.places.len() as u64), (1, case["copies"].as_u64().unwrap()));
    }
}

#[test]
fn manifests_are_read_as_the_vectors_say() {
    for case in cases("manifest-read.json") {
        let outcome = match extract_manifest(text(&case, "text")) {
            Ok(Some(found)) => {
                assert_eq!(found.bytes, bytes(text(&case, "store")), "{case}");
                let place = (case["start"].as_u64().unwrap(), case["length"].as_u64().unwrap());
                assert_eq!((found.start as u64, found.length as u64), place, "{case}");
                "manifest"
            }
            Ok(None) => "none",
            Err(err) => word(&err),
        };
        assert_eq!(outcome, text(&case, "expect"), "{case}");
        let readable = find(text(&case, "text"), &[]).readable_manifests();
        let expected = [("manifest", 1), ("several", 2)].into_iter().find(|(word, _)| *word == outcome);
        assert_eq!(readable, expected.map_or(0, |(_, count)| count), "{case}");
    }
}

#[test]
fn manifests_are_written_as_the_vectors_say() {
    for case in cases("manifest-write.json") {
        let padding = if text(&case, "padding") == "none" { Padding::None } else { Padding::Deterministic };
        match embed_manifest(text(&case, "text"), &bytes(text(&case, "store")), padding) {
            Ok(wrapped) => {
                assert_eq!(("embedded", text(&case, "wrapped")), (text(&case, "expect"), wrapped.as_str()));
                assert_eq!(strip(&wrapped).0, nfc(text(&case, "text")), "{case}");
                let found = find(&wrapped, &[]).manifests;
                assert!(found.len() == 1 && found[0].is_jumbf, "{case}");
            }
            Err(err) => assert_eq!(word(&err), text(&case, "expect"), "{case}"),
        }
    }
}

#[test]
fn hidden_characters_are_told_from_wanted_ones_as_the_vectors_say() {
    for case in cases("hidden.json") {
        let (stripped, report) = strip(text(&case, "text"));
        assert_eq!(stripped, text(&case, "stripped"), "{case}");
        assert_eq!(named(&report.hidden), counts(&case["hidden"]), "{case}");
        assert_eq!(named(&report.kept), counts(&case["kept"]), "{case}");
        assert_eq!(report.is_marked(), text(&case, "expect") == "marked", "{case}");
    }
}

/// Sentences of our own in many scripts, with the invisible characters that their spelling wants.
const LANGUAGES: [&str; 26] = [
    "Every spring the terns come back; nobody knows who told them the way.",
    "Im Frühjahr kommen die Seeschwalben zurück; die Dampf\u{AD}schiff\u{AD}fahrt kümmert sie nicht.",
    "Au printemps, les sternes reviennent : « où étaient-elles ? »",
    "Mùa xuân, chim nhàn trở về biển.",
    "Весной крачки возвращаются к морю.",
    "Την άνοιξη τα γλαρόνια επιστρέφουν.",
    "در بهار پرستوهای دریایی برمی\u{200C}گردند و آن\u{200C}ها را می\u{200C}بینیم.",
    "فایل\u{200C}های PDF\u{200C}ها و کتاب\u{200C}خانه\u{200C}",
    "في الربيع تعود الطيور \u{200F}(C++)\u{200E} إلى البحر، سنة 1440 ه\u{200D}.",
    "באביב חוזרות השחפיות \u{2067}abc 123\u{2069} אל הים.\u{200F}",
    "وسمِ بہار میں پرندے لوٹ آتے ہیں۔",
    "वसंत में पक्षी लौट आते हैं, क्\u{200D}ष और क्\u{200C}ष।",
    "বসন্তে পাখিরা ফিরে আসে; র\u{200D}\u{9CD}যাব।",
    "വസന്തത്തിൽ പക്ഷികള\u{D4D}\u{200D} വരും. അവന\u{D4D}\u{200D}",
    "වසන්තයේ කුරුල්ලෝ එති; ශ\u{DCA}\u{200D}රී ලංකා.",
    "ವಸಂತದಲ್ಲಿ ಹಕ್ಕಿಗಳು ಬರುತ್ತವೆ; ರ\u{200D}\u{CCD}ಯ.",
    "ฤดูใบไม้ผลิ\u{200B}นกนางนวล\u{200B}กลับมา",
    "ນົກ\u{200B}ກັບ\u{200B}ມາ",
    "នៅ\u{200B}រដូវ\u{200B}ផ្ការីក\u{200B}សត្វ\u{200B}ត្រឡប់\u{200B}មក\u{200B}។",
    "နွေဦး\u{200B}တွင်\u{200B}ငှက်များ ပြန်လာသည်။",
    "ᠬᠠᠪᠤᠷ ᠰᠢᠪᠠᠭᠤ\u{180B} ᠢᠷᠡᠨ᠎ᠡ",
    "春天,燕鸥飞回大海;葛\u{E0100}城市、辻\u{E0101}さん。",
    "春になると、アジサシが戻ってくる。神\u{FE00}",
    "봄이 오면 제비갈매기가 돌아온다. \u{115F}\u{1161}",
    "Sets: A \u{2229}\u{FE00} B, zero 0\u{FE00}, x \u{2264} y.",
    "\u{FEFF}A file that begins with a byte order mark.\r\n",
];

/// Emoji sequences of each form that UTS #51 allows.
fn emoji_sequences() -> Vec<String> {
    let mut all: Vec<String> = [
        "❤️ ☎︎ ☀️☁️ ©️ ®️ ™️ ℹ️ ↗️ ▶️ ㊗️ 〰️",
        "1️⃣2️⃣#️⃣*️⃣ 0⃣",
        "👩‍👩‍👧‍👦 👨🏿‍🚀 🧑🏻‍🤝‍🧑🏾 👩‍❤️‍💋‍👨 🏳️‍🌈 🏳️‍⚧️ 🏴‍☠️ 🐻‍❄️ ❤️‍🔥 ⛹🏽‍♀️ 🤷‍♂️ 🧔🏻‍♀️ 👁️‍🗨️ 🐦‍⬛ 🙂‍↔️ ⛓️‍💥",
        "🇩🇪🇫🇷🇯🇵 ☝🏽 ✍️ ⛹️ 🕵️‍♀️",
    ]
    .map(str::to_owned)
    .into();
    for region in ["gbeng", "gbsct", "gbwls", "usca", "ustx"] {
        let tags = region.bytes().map(|byte| char::from_u32(0xE0000 + u32::from(byte)).unwrap());
        all.push(std::iter::once('\u{1F3F4}').chain(tags).chain(['\u{E007F}']).collect());
    }
    // Every person in every color with every thing.
    for person in ['👨', '👩', '🧑'] {
        for skin in ["", "🏻", "🏼", "🏽", "🏾", "🏿"] {
            for thing in ["⚕️", "⚖️", "✈️", "🌾", "🍳", "🎓", "🎤", "🏭", "💻", "🔧", "🦰", "🦯", "🦽", "🦼‍➡️"]
            {
                all.push(format!("{person}{skin}\u{200D}{thing}"));
            }
        }
    }
    all
}

#[test]
fn nothing_is_hidden_in_honest_texts_of_many_languages() {
    let emoji = emoji_sequences();
    let mut texts = 0;
    for language in LANGUAGES.iter().map(|text| (*text).to_owned()).chain(emoji.iter().cloned()) {
        for sequence in ["", " ❤️", "👩🏽‍💻\n", " 1️⃣!"] {
            let text = format!("{language}{sequence}");
            let (stripped, report) = strip(&text);
            assert_eq!(stripped, text);
            assert!(!report.is_marked() && report.run_count == 0, "{:?} in {text:?}", report.runs);
            texts += 1;
        }
    }
    assert!(1_000 < texts, "{texts} texts are too few to say that less than 0.3 % are called marked");
}

#[test]
fn honest_texts_carry_a_mark_and_lose_nothing_with_it() {
    for text in LANGUAGES.iter().map(|text| (*text).to_owned()).chain(emoji_sequences()) {
        let text = nfc(&text).into_owned();
        let marked = embed(&text, b"tern-42", &key(7), Binding::Text).unwrap();
        let (stripped, report) = strip(&marked);
        assert_eq!(stripped, text);
        assert_eq!(report.marks.len(), 1, "{text:?}");
        let mark = &find(&marked, &[key(1), key(7)]).marks[0];
        assert_eq!((mark.authenticity, mark.bound), (Authenticity::Holds { key: 1 }, Bound::ThisText));
    }
}

/// A text of many words in two scripts.
fn prose(characters: usize) -> String {
    "The tern flies over the sea, 燕鸥每年飞越大海。 ".chars().cycle().take(characters).collect()
}

#[test]
fn a_piece_of_the_text_keeps_a_mark() {
    let marked = embed(&prose(20_000), b"tern-42", &key(7), Binding::Free).unwrap();
    let all: Vec<char> = marked.chars().collect();
    let mark_characters = find(&marked, &[]).marks[0].places[0].characters;
    // Two marks, what is between them, and a word.
    let piece = SPACING_CHARACTERS + 2 * mark_characters + 10;
    for start in (0..all.len() - piece).step_by(97) {
        let text: String = all[start..start + piece].iter().collect();
        let report = find(&text, &[key(7)]);
        assert!(report.holds(), "the piece at {start} lost its marks");
        let mark = &report.marks[0];
        assert_eq!((mark.payload.as_slice(), mark.payload_text()), (&b"tern-42"[..], Some("tern-42")));
    }
}

#[test]
fn places_are_where_the_marks_are() {
    let marked = embed("größe und maß", b"x", &key(7), Binding::Free).unwrap();
    let report = find(&marked, &[]);
    let places = &report.marks[0].places;
    assert_eq!((places[0].byte, places[0].character), (7, 5));
    assert_eq!(places[1].byte + places[1].bytes, marked.len());
    assert_eq!(report.characters, marked.chars().count());
    for place in places {
        let run = &marked[place.byte..place.byte + place.bytes];
        assert_eq!((run.chars().count(), run.chars().next()), (place.characters, Some('\u{2063}')));
        assert_eq!(marked[..place.byte].chars().count(), place.character);
    }
}

#[test]
fn marks_of_two_keys_and_a_manifest_stand_beside_each_other() {
    let jumbf = store();
    let once = embed("One text.", b"provider", &key(1), Binding::Free).unwrap();
    let twice = embed(&once, b"tenant", &key(2), Binding::Text).unwrap();
    let all = embed_manifest(&twice, &jumbf, Padding::None).unwrap();
    let report = find(&all, &[key(1), key(2)]);
    let payloads: Vec<&[u8]> = report.marks.iter().map(|mark| mark.payload.as_slice()).collect();
    assert_eq!((payloads, report.run_count), (vec![&b"provider"[..], &b"tenant"[..]], 0));
    assert_eq!(report.marks[1].bound, Bound::ThisText);
    assert_eq!(strip(&all).0, "One text.");
    let late = embed(&all, b"late", &key(3), Binding::Free);
    assert_eq!(late, Err(Error::ManifestFirst));
}

#[test]
fn no_forged_mark_holds() {
    let honest = embed("One text.", b"tern-42", &key(1), Binding::Free).unwrap();
    let places = find(&honest, &[]).marks[0].places.clone();
    let mark: Vec<char> = honest[places[0].byte..places[0].byte + places[0].bytes].chars().collect();
    for at in 1..mark.len() {
        for other in ['\u{FE00}', '\u{FE0F}', '\u{E0100}', '\u{E01EF}', '\u{200B}', 'x'] {
            let mut forged = mark.clone();
            if std::mem::replace(&mut forged[at], other) != other {
                let text: String = "A".chars().chain(forged).collect();
                assert!(!find(&text, &[key(1)]).holds(), "character {at} is {other:?}");
            }
        }
    }
}

#[test]
fn more_runs_than_are_listed_are_counted() {
    let report = find(&"a\u{200B}".repeat(RUNS_LISTED + 5), &[]);
    assert_eq!((report.runs.len(), report.run_count), (RUNS_LISTED, RUNS_LISTED + 5));
}

/// Texts of what the rules are about.
fn tricky() -> impl Strategy<Value = String> {
    let one = prop::sample::select(
        "a1# \n\u{301}é中あ가한ﷲم\u{6CC}שक\u{94D}กម❤👩💻🏽🏴🇩\u{20E3}\u{AD}\u{34F}\u{61C}\u{115F}\u{1160}\u{1161}\u{1100}\u{1820}\u{180B}\u{200B}\u{200C}\u{200D}\u{200E}\u{200F}\u{202A}\u{202C}\u{202E}\u{2060}\u{2063}\u{2067}\u{2069}\u{3164}\u{FE00}\u{FE0E}\u{FE0F}\u{FEFF}\u{E0100}\u{E0067}\u{E0062}\u{E0065}\u{E007F}"
            .chars()
            .collect::<Vec<char>>(),
    );
    prop::collection::vec(prop_oneof![4 => one, 1 => any::<char>()], 0..60)
        .prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn stripping_is_done_once_and_undoes_embedding(text in tricky()) {
        let (stripped, report) = strip(&text);
        let (again, second) = strip(&stripped);
        prop_assert_eq!(&again, &stripped);
        prop_assert!(!second.is_marked());
        prop_assert_eq!(second.kept, report.kept);
        let plain = strip(&nfc(&text)).0;
        if let Ok(marked) = embed(&text, b"tern-42", &key(7), Binding::Text) {
            prop_assert_eq!(&strip(&marked).0, &plain);
            let report = find(&marked, &[key(7)]);
            prop_assert_eq!((report.marks.len(), report.marks[0].bound), (1, Bound::ThisText));
        }
let jumbf = store();
        let wrapped = embed_manifest(&text, &jumbf, Padding::Deterministic).unwrap();
        prop_assert_eq!(&strip(&wrapped).0, &plain);
        prop_assert_eq!(extract_manifest(&wrapped).unwrap().unwrap().bytes, jumbf);
    }
}

/// The time this thread has had the processor, or else the time that has passed.
fn nanoseconds() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let passed = START.elapsed().as_nanos() as u64;
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    schedule.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(passed)
}

#[test]
fn long_texts_take_time_in_proportion() {
    if std::env::var_os("STILLMARK_TEST_LONG").is_none() {
        return;
    }
    let hostile = |piece: &str, size: usize| piece.repeat(size / piece.len());
    for size in [10_000_000, 100_000_000] {
        let honest = prose(size / 2);
        let marked = embed(&honest, b"tern-42", &key(7), Binding::Text).unwrap();
        let texts = [
            ("ASCII", hostile("The tern flies over the sea.\n", size)),
            ("marked", marked),
            ("separators", hostile("\u{2063}\u{FEFF}", size)),
            ("selectors", hostile("\u{E0163}", size)),
            ("direction", hostile("\u{200F}a", size)),
            ("decomposed", hostile("e\u{301} ", size)),
        ];
        for (name, text) in texts {
            let per_byte = |work: &mut dyn FnMut()| {
                let start = nanoseconds();
                work();
                (nanoseconds() - start) as f64 / text.len() as f64
            };
            let (mut report, mut stripped, mut put) = (None, None, None);
            let found = per_byte(&mut || report = Some(find(&text, &[key(7)])));
            let taken = per_byte(&mut || stripped = Some(strip(&text).0));
            let embedded = per_byte(&mut || put = Some(embed(&text, b"x", &key(7), Binding::Text)));
            let (report, stripped, put) = (report.unwrap(), stripped.unwrap(), put.unwrap());
            println!(
                "{name:<11} {:>9} bytes: find {found:.1}, strip {taken:.1}, embed {embedded:.1} ns a byte",
                text.len()
            );
            assert!(stripped.len() <= text.len() && report.characters <= text.len());
            assert!(put.is_ok() || name == "separators" || name == "selectors");
            assert!(found < 60.0 && taken < 120.0 && embedded < 120.0, "{name} takes too long");
        }
    }
}
