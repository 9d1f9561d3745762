//! The files beside a model that speak of licenses, as the front door read them.

/// What lies beside a model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// Files named LICENSE or COPYING.
    pub licenses: Vec<TextFile>,
    /// Files named NOTICE.
    pub notices: Vec<TextFile>,
    /// The model card, README.md.
    pub card: Option<TextFile>,
}

/// A text file with the name by which messages call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What a card's front matter says of license and origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Card {
    /// `license`, or `license_name` where that is `other`.
    pub license: Option<String>,
    /// The first `base_model`.
    pub base_model: Option<String>,
    /// `model_name`.
    pub model_name: Option<String>,
}

impl Card {
    /// Reads the front matter of a card; what cannot be read is absent.
    pub fn of(text: &str) -> Self {
        let license = scalar(text, "license").filter(|license| license != "other");
        Self {
            license: license.or_else(|| scalar(text, "license_name")),
            base_model: scalar(text, "base_model"),
            model_name: scalar(text, "model_name"),
        }
    }
}

impl Beside {
    /// What the card says, if there is one.
    pub fn card(&self) -> Card {
        self.card.as_ref().map(|card| Card::of(&card.text)).unwrap_or_default()
    }
}

/// A key of the front matter: its value, or the first item of its list.
fn scalar(text: &str, key: &str) -> Option<String> {
    let matter = text.trim_start_matches('\u{feff}').strip_prefix("---")?;
    let mut lines = matter.lines().skip(1).take_while(|line| line.trim_end() != "---");
    let own = |line: &&str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'));
    let value = lines.find(own)?.split_once(':')?.1;
    let value = match bare(value) {
        "" => bare(lines.next()?.trim_start().strip_prefix("- ")?),
        value => bare(value.trim_start_matches('[').split([',', ']']).next().unwrap_or_default()),
    };
    (!value.is_empty()).then(|| value.to_owned())
}

fn bare(value: &str) -> &str {
    let value = value.split(" #").next().unwrap_or(value).trim();
    value.trim_matches(['"', '\''])
}
