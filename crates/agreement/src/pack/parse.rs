//! Reads one entry file of the terms pack.

use super::entry::{Breach, Duty, Entry, Exception, Limit, Met, Rule, SmallShare, Test};
use stillmark_evidence::{Date, Digest};

use crate::error::Error;
use crate::read::{Source, Table, Value, line_feeds};
use crate::words::{Confidence, Effect, Fact, Hops, Trigger, Word};

const ENTRY: &str = "the entry";
const RULE: &str = "[[rule]]";
const DUTY: &str = "[[rule.duty]]";
const LIMIT: &str = "[[rule.limit]]";
const UNLESS: &str = "[[rule.unless]]";

/// Words of `breach`.
#[derive(Debug, Clone, Copy)]
enum BreachWord {
    Forbid,
    Review,
    Duty,
}

impl Word for BreachWord {
    const NOUN: &'static str = "breach";
    const ALL: &'static [(&'static str, Self)] =
        &[("forbid", Self::Forbid), ("review", Self::Review), ("duty", Self::Duty)];
}

impl Word for Met {
    const NOUN: &'static str = "met";
    const ALL: &'static [(&'static str, Self)] = &[("permit", Self::Permit), ("review", Self::Review)];
}

/// What a rule inherits from its entry.
struct Pin {
    source: String,
    date: Date,
}

pub(super) fn entry(text: &str) -> Result<Entry, Error> {
    let feeds = line_feeds(text);
    let (source, document) = Source::parse(text, &feeds)?;
    let mut table = source.table(ENTRY, &document);
    let pin = Pin { source: table.required("source")?.string()?, date: table.required("retrieved")?.date()? };
    let mut rules = Vec::new();
    for rule in table.tables("rule", RULE)? {
        rules.push(self::rule(rule, &pin)?);
    }
    if rules.is_empty() {
        return Err(Error::Missing { line: 1, table: ENTRY, key: "rule" });
    }
    let entry = Entry {
        id: table.required("id")?.string()?,
        kind: table.required("kind")?.word()?,
        name: table.required("name")?.string()?,
        version: table.required("version")?.string()?,
        license: table.optional("license").map(Value::string).transpose()?,
        supersedes: table.optional("supersedes").map(Value::string).transpose()?,
        follows: table.optional("follows").map(Value::string).transpose()?,
        aliases: table.optional("aliases").map(Value::strings).transpose()?.unwrap_or_default(),
        in_force: table.optional("in_force").map(Value::date).transpose()?,
        retrieved: pin.date.clone(),
        source: pin.source.clone(),
        note: table.optional("note").map(Value::string).transpose()?,
        rules,
        digest: Digest::of(text.as_bytes()),
    };
    table.finish()?;
    Ok(entry)
}

fn rule(mut table: Table<'_, '_>, pin: &Pin) -> Result<Rule, Error> {
    let mut duties = Vec::new();
    for duty in table.tables("duty", DUTY)? {
        duties.push(self::duty(duty)?);
    }
    let mut limits = Vec::new();
    for limit in table.tables("limit", LIMIT)? {
        limits.push(self::limit(limit)?);
    }
    let mut unless = Vec::new();
    for exception in table.tables("unless", UNLESS)? {
        unless.push(self::exception(exception)?);
    }
    let small = table
        .optional("small")
        .map(|value| {
            let mut small = value.one_table("[rule.small]")?;
            let below_share = small.required("below_share")?.fraction()?;
            let below_tokens = small.required("below_tokens")?.count()?;
            small.finish()?;
            Ok::<_, Error>(SmallShare { below_share, below_tokens })
        })
        .transpose()?;
    let rule = Rule {
        says: table.required("says")?.string()?,
        on: table.required("on")?.words()?,
        effect: table.required("effect")?.word::<Effect>()?,
        silent: table.optional("silent").map(Value::boolean).transpose()?.unwrap_or(false),
        duties,
        small,
        limits,
        unless,
        ask: table.optional("ask").map(Value::strings).transpose()?.unwrap_or_default(),
        carry: table.optional("carry").map(Value::words).transpose()?.unwrap_or_default(),
        hops: table.optional("hops").map(Value::word).transpose()?.unwrap_or(Hops::One),
        clause: table.required("clause")?.string()?,
        source: table
            .optional("source")
            .map(Value::string)
            .transpose()?
            .unwrap_or_else(|| pin.source.clone()),
        date: table.optional("date").map(Value::date).transpose()?.unwrap_or_else(|| pin.date.clone()),
        confidence: table.required("confidence")?.word::<Confidence>()?,
    };
    table.finish()?;
    Ok(rule)
}

fn duty(mut table: Table<'_, '_>) -> Result<Duty, Error> {
    let duty = Duty {
        kind: table.required("kind")?.word()?,
        text: table.required("text")?.string()?,
        due: table.optional("due").map(Value::word).transpose()?.unwrap_or(Trigger::Always),
        compatible: table.optional("compatible").map(Value::strings).transpose()?.unwrap_or_default(),
        holds: table.optional("holds").map(Value::strings).transpose()?.unwrap_or_default(),
    };
    table.finish()?;
    Ok(duty)
}

fn limit(mut table: Table<'_, '_>) -> Result<Limit, Error> {
    let fact: Fact = table.required("fact")?.word()?;
    let test = match fact {
        Fact::Audience => Test::In(table.required("in")?.words()?),
        Fact::MonthlyActiveUsers | Fact::RevenueUsdPerYear => {
            Test::AtMost(table.required("at_most")?.count()?)
        }
        Fact::Commercial | Fact::Competes | Fact::PrivateClassifier => {
            Test::Is(table.required("is")?.boolean()?)
        }
    };
    let breach = match table.required("breach")?.word()? {
        BreachWord::Forbid => Breach::Forbid,
        BreachWord::Review => Breach::Review,
        BreachWord::Duty => {
            let mut duties = Vec::new();
            for duty in table.tables("duty", "[[rule.limit.duty]]")? {
                duties.push(self::duty(duty)?);
            }
            if duties.is_empty() {
                return Err(Error::Missing { line: table.line(), table: LIMIT, key: "duty" });
            }
            Breach::Duties(duties)
        }
    };
    let met = table.optional("met").map(Value::word).transpose()?.unwrap_or(Met::Permit);
    table.finish()?;
    Ok(Limit { fact, test, breach, met })
}

fn exception(mut table: Table<'_, '_>) -> Result<Exception, Error> {
    let exception = if let Some(families) = table.optional("family") {
        Exception::Family(families.strings()?)
    } else {
        Exception::Declared {
            fact: table.required("fact")?.word()?,
            audience: table.optional("audience").map(Value::words).transpose()?.unwrap_or_default(),
        }
    };
    table.finish()?;
    Ok(exception)
}
