//! Takes the fingerprints of the license texts in a folder anew (docs/spec/license-recognition.md).
//!
//! `cargo run -p stillmark-agreement --example fingerprint -- FOLDER` reads `fingerprints/sources.tsv` (id, file of
//! the folder, source, and a title line where copies bear one), and writes `fingerprints/NAME.toml` and the list.
#![expect(clippy::print_stdout, reason = "a tool says what it wrote")]

use std::error::Error;
use std::fs;
use std::path::Path;

use stillmark_agreement::Fingerprint;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name the folder that holds the license texts")?;
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = Vec::new();
    for line in fs::read_to_string(home.join("fingerprints/sources.tsv"))?.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [id, file, source, title] = fields[..] else {
            return Err(format!("not four fields: {line}").into());
        };
        let path = Path::new(&folder).join(file);
        let text = fs::read_to_string(&path).map_err(|err| format!("{}: {err}", path.display()))?;
        let text = format!("{title}\n\n{}", without_header(&text));
        let name = if title.is_empty() { id.to_owned() } else { format!("{id}.titled") };
        let fingerprint = Fingerprint::of(id, source, &text);
        fs::write(home.join(format!("fingerprints/{name}.toml")), fingerprint.to_file())?;
        println!("{name}: {} runs", fingerprint.runs());
        names.push(name);
    }
    names.sort();
    let lines: Vec<String> = names
        .iter()
        .map(|name| {
            format!(
                "    include_str!(\"../../fingerprints/{name}.toml\"),
"
            )
        })
        .collect();
    let list = format!(
        "//! The fingerprints that come with this crate, one a text.\n\n\
         /// Their contents, ordered by id.\npub(super) const FILES: &[&str] = &[\n{}];\n",
        lines.concat()
    );
    Ok(fs::write(home.join("src/recognize/shipped.rs"), list)?)
}

/// The text without the YAML header that collections put before it.
fn without_header(text: &str) -> &str {
    let Some(rest) = text.strip_prefix("---\n") else { return text };
    rest.split_once("\n---\n").map_or(text, |(_, text)| text)
}
