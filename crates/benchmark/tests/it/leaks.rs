//! Right answers that are told beside the items, under templates that the log declares itself.

use std::collections::BTreeSet;

use stillmark_benchmark::audit::Class;
use stillmark_benchmark::json::Value;
use stillmark_evidence::audit::{Audit, Verdict};

use crate::audit::{audited, logs};
use crate::forge::{Log, gold, quoted, with};

const MMLU: &str = "mmlu_anatomy";
const GSM8K: &str = "gsm8k";

/// What is put into a prompt.
type Insert = fn(usize, &Value<'_>, &str) -> String;

fn letter(row: &Value<'_>) -> &'static str {
    ["A", "B", "C", "D"][gold(row).parse::<usize>().unwrap()]
}

/// A text before the last `Answer:` of a prompt.
fn hinted(prompt: &str, hint: &str) -> String {
    let at = prompt.rfind("Answer:").unwrap();
    format!("{}{hint}\n{}", &prompt[..at], &prompt[at..])
}

/// The log of a task whose configuration declares another description, with prompts to fit.
fn declared(variant: &str, task: &'static str, insert: Insert) -> Option<Log> {
    let mut log = Log::of(&logs()?, variant, task);
    let description = "Think well.\n\n";
    log.set(&["configs", task, "description"], &quoted(description));
    log.reprompt(|idx, row, prompt| {
        let items = prompt.split_once("\n\n").filter(|_| task == MMLU).map_or(prompt, |(_, items)| items);
        insert(idx, row, &format!("{description}{items}"))
    });
    Some(log)
}

fn classes(audit: &Audit) -> BTreeSet<&str> {
    audit.findings.iter().map(|found| found.class.as_str()).collect()
}

/// Audits a forgery twice: as it is, and with every digest made to fit.
fn check(what: &str, mut log: Log, expected: Option<Class>) {
    log.rehash();
    let audit = audited(&log.into_files());
    let expected: BTreeSet<&str> = expected.iter().map(|class| class.code()).collect();
    assert_eq!(classes(&audit), expected, "{what}: {:?}", audit.findings.first());
    if expected.is_empty() {
        assert_ne!(audit.verdict, Verdict::Altered, "{what}");
    }
}

fn check_naive(what: &str, log: Log, expected: Class) {
    let audit = audited(&log.into_files());
    assert!(classes(&audit).contains(expected.code()), "{what}: {:?}", audit.findings);
    assert!(classes(&audit).contains(Class::HashMismatch.code()), "{what}: {:?}", audit.findings);
}

#[test]
fn an_answer_that_declared_templates_tell_is_found() {
    let forgeries: [(&str, &'static str, &str, Insert); 12] = [
        ("full", MMLU, "the letter after the choices", |_, row, prompt| {
            hinted(prompt, &format!("(Hint: {})", letter(row)))
        }),
        ("full", MMLU, "the letter in every sixth row", |idx, row, prompt| {
            if idx % 6 == 0 {
                hinted(prompt, &format!("It is {}, A student said.", letter(row)).replace("A s", "a s"))
            } else {
                prompt.to_owned()
            }
        }),
        ("full", MMLU, "the letter at the very end", |_, row, prompt| {
            format!("{prompt} {}", letter(row).to_lowercase())
        }),
        ("full", MMLU, "the number from 0", |_, row, prompt| hinted(prompt, &format!("[{}]", gold(row)))),
        ("full", MMLU, "the number from 1", |_, row, prompt| {
            hinted(prompt, &format!("[{}]", gold(row).parse::<usize>().unwrap() + 1))
        }),
        ("full", MMLU, "the words", |_, row, prompt| {
            let choices = row.get("doc").unwrap().get("choices").unwrap();
            let choice = choices.items()[gold(row).parse::<usize>().unwrap()].string().unwrap();
            hinted(prompt, &format!("As is known: {choice}"))
        }),
        ("full", MMLU, "a mark behind the choice", |_, row, prompt| {
            let start = prompt.rfind(&format!("\n{}. ", letter(row))).unwrap() + 1;
            let end = start + prompt[start..].find('\n').unwrap();
            format!("{} *{}", &prompt[..end], &prompt[end..])
        }),
        ("full", MMLU, "a mark before the choice", |_, row, prompt| {
            let start = prompt.rfind(&format!("\n{}. ", letter(row))).unwrap() + 1;
            format!("{}-> {}", &prompt[..start], &prompt[start..])
        }),
        ("full", MMLU, "the letter in the first words", |_, row, prompt| {
            format!("Session {}. {prompt}", letter(row))
        }),
        ("shots", "mmlu_abstract_algebra", "the letter beside worked examples", |_, row, prompt| {
            hinted(prompt, &format!("({})", letter(row)))
        }),
        ("generated", GSM8K, "the number", |_, row, prompt| hinted(prompt, &format!("Note {}.", gold(row)))),
        ("generated", GSM8K, "the own question as a worked example", |_, row, prompt| {
            let at = prompt.rfind("Question: ").unwrap();
            let target = row.get("target").unwrap().string().unwrap();
            format!("{}{} {target}\n\n{}", &prompt[..at], &prompt[at..], &prompt[at..])
        }),
    ];
    for (variant, task, what, insert) in forgeries {
        let Some(log) = declared(variant, task, insert) else { return };
        check(what, log, Some(Class::KeyLeaked));
        check_naive(what, declared(variant, task, insert).unwrap(), Class::KeyLeaked);
        let plain: Insert = |_, _, prompt| prompt.to_owned();
        check(&format!("the twin of: {what}"), declared(variant, task, plain).unwrap(), None);
    }
    println!(
        "12 leaks under declared templates: each found, naively and consistently; their twins are silent"
    );
}

#[test]
fn a_text_that_differs_without_telling_is_no_leak() {
    let inserts: [(&'static str, Insert); 4] = [
        (MMLU, |idx, _, prompt| hinted(prompt, &format!("(Hint: {})", ["A", "B", "C", "D"][idx * 7 % 4]))),
        (MMLU, |_, _, prompt| hinted(prompt, "(One of A, B, C and D is right.)")),
        (GSM8K, |idx, _, prompt| hinted(prompt, &format!("Item {idx} of 60."))),
        (MMLU, |idx, _, prompt| format!("Item {}. {prompt}", idx % 4)),
    ];
    for (task, insert) in inserts {
        let variant = if task == MMLU { "full" } else { "generated" };
        let Some(log) = declared(variant, task, insert) else { return };
        check("a text that does not tell", log, None);
    }
}

#[test]
fn an_answer_that_a_conversation_tells_is_found() {
    let Some(logs) = logs() else { return };
    let chat = |insert: Insert| {
        let mut log = Log::of(&logs, "chat", MMLU);
        log.reprompt(insert);
        log
    };
    check(
        "the letter in the system message",
        chat(|_, row, prompt| prompt.replacen("Be brief.", &format!("Be brief. {}!", letter(row)), 1)),
        Some(Class::KeyLeaked),
    );
    check(
        "the letter at the end",
        chat(|_, row, prompt| hinted(prompt, &format!("{}?", letter(row)))),
        Some(Class::KeyLeaked),
    );
    check(
        "a conversation as JSON",
        chat(|_, _, prompt| format!("[{{\"role\": \"user\", \"content\": {}}}]", quoted(prompt))),
        None,
    );
    check(
        "a conversation as JSON that tells",
        chat(|_, row, prompt| {
            format!("[{{\"role\": \"user\", \"content\": {}}}]", quoted(&hinted(prompt, letter(row))))
        }),
        Some(Class::KeyLeaked),
    );
}

#[test]
fn a_list_of_right_answers_is_found_wherever_it_stands() {
    let Some(logs) = logs() else { return };
    let letters: Vec<String> = Log::of(&logs, "full", MMLU)
        .golds()
        .iter()
        .map(|gold| ["A", "B", "C", "D"][gold.parse::<usize>().unwrap()].to_owned())
        .collect();
    let numbered: Vec<String> =
        letters.iter().enumerate().map(|(idx, letter)| format!("{}. {letter}", idx + 1)).collect();
    let from_0: Vec<String> = Log::of(&logs, "full", MMLU)
        .golds()
        .iter()
        .enumerate()
        .map(|(idx, gold)| format!("{idx}: {gold}"))
        .collect();
    let some: Vec<String> = letters[20..100].to_vec();
    for (what, list) in [
        ("letters", letters.join(" ")),
        ("packed letters", letters.concat()),
        ("numbered letters", numbered.join(", ")),
        ("numbered numbers", from_0.join("; ")),
        ("some letters", some.join(",")),
    ] {
        for place in ["system_instruction", "chat_template"] {
            let mut log = Log::of(&logs, "full", MMLU);
            let text = format!("You are an assistant. Answers: {list}. Be brief.");
            log.set(&[place], &quoted(&text));
            check(&format!("{what} in {place}"), log, Some(Class::KeyLeaked));
        }
        let mut log = Log::of(&logs, "full", MMLU);
        let description = format!("Answers: {list}\n\n");
        log.set(&["configs", MMLU, "description"], &quoted(&description));
        log.reprompt(|_, _, prompt| format!("{description}{}", prompt.split_once("\n\n").unwrap().1));
        check(&format!("{what} in the description"), log, Some(Class::KeyLeaked));
    }
    let golds = Log::of(&logs, "generated", GSM8K).golds();
    let half = &golds[..golds.len() / 2];
    let mut log = Log::of(&logs, "generated", GSM8K);
    log.set(&["system_instruction"], &quoted(&format!("Known: {}", half.join(", "))));
    check("numbers", log, Some(Class::KeyLeaked));
    let others: String = letters.iter().rev().cloned().collect();
    let mut log = Log::of(&logs, "full", MMLU);
    log.set(&["system_instruction"], &quoted(&format!("Choose A, B, C or D: 1 A, 2 B, 3 C, 4 D. {others}")));
    check("letters in another order", log, None);
}

#[test]
fn continuations_that_are_not_the_choices_are_found_under_any_template() {
    let Some(logs) = logs() else { return };
    let plain: Insert = |_, _, prompt| prompt.to_owned();
    let spoiled = |mut log: Log| {
        log.rewrite(|idx, row| {
            let right: usize = gold(row).parse().unwrap();
            let calls =
                row.get("arguments").unwrap().members().iter().enumerate().map(|(at, (key, call))| {
                    let asked = call.get("arg_1").unwrap().raw;
                    let asked = if at == right { asked } else { "\" zzzz\"" };
                    format!("{}: {}", quoted(&key.get()), with(call.raw, &[("arg_1", asked.to_owned())]))
                });
            let calls = calls.collect::<Vec<_>>().join(", ");
            (idx % 5 == 0).then(|| with(row.raw, &[("arguments", format!("{{{calls}}}"))]))
        });
        log
    };
    let changed = Some(Class::PromptChanged);
    check("under a declared description", spoiled(declared("full", MMLU, plain).unwrap()), changed);
    check("in a conversation", spoiled(Log::of(&logs, "chat", MMLU)), changed);
    check("the twin", Log::of(&logs, "chat", MMLU), None);
}
