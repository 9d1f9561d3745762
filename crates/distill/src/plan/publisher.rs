//! `[publisher]`: who offers the student, and where; recorded and signed with the plan, for documents to name.

use super::reader::Reader;
use crate::Error;

/// Who offers the student, and where; absent where the plan does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publisher {
    /// Who supplies it: a person or an organization.
    pub supplier: Option<String>,
    /// How to reach them.
    pub contact: Option<String>,
    /// A page about the student or its supplier.
    pub url: Option<String>,
    /// The student's version.
    pub version: Option<String>,
    /// The day of its release.
    pub released: Option<String>,
    /// Where it can be had.
    pub download: Option<String>,
    /// Where the text of its license is.
    pub license_url: Option<String>,
}

pub(super) fn read(plan: &Reader<'_>) -> Result<Publisher, Error> {
    let known = &["supplier", "contact", "url", "version", "released", "download", "license_url"];
    let Some(table) = plan.table("publisher", known)? else { return Ok(Publisher::default()) };
    Ok(Publisher {
        supplier: table.text("supplier")?,
        contact: table.text("contact")?,
        url: address(&table, "url")?,
        version: table.text("version")?,
        released: table.date("released")?,
        download: address(&table, "download")?,
        license_url: address(&table, "license_url")?,
    })
}

fn address(table: &Reader<'_>, key: &str) -> Result<Option<String>, Error> {
    let Some(text) = table.text(key)? else { return Ok(None) };
    let is_web = ["https://", "http://"].iter().any(|start| text.starts_with(start));
    if !is_web || text.contains(char::is_whitespace) {
        return Err(table.error(key, "must begin with `https://` or `http://` and hold no spaces"));
    }
    Ok(Some(text))
}
