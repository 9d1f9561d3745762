//! Reads a provenance file.

use super::{Asset, Declared, Edge, Parts};
use crate::error::Error;
use crate::read::{Source, Table, Value};

pub(super) fn parts(text: &str) -> Result<Parts, Error> {
    let (source, document) = Source::parse(text)?;
    let mut file = source.table("the provenance file", &document);
    let mut assets = Vec::new();
    for table in file.tables("asset", "[[asset]]")? {
        assets.push(asset(table)?);
    }
    let mut edges = Vec::new();
    for table in file.tables("edge", "[[edge]]")? {
        edges.push(edge(table)?);
    }
    let declared = match file.optional("declared") {
        Some(value) => declared(value.one_table("[declared]")?)?,
        None => Declared::default(),
    };
    let on = file.optional("on").map(Value::date).transpose()?;
    let target = file.required("target")?.string()?;
    file.finish()?;
    Ok(Parts { target, on, assets, edges, declared })
}

fn asset(mut table: Table<'_, '_>) -> Result<Asset, Error> {
    let asset = Asset {
        id: table.required("id")?.string()?,
        kind: table.required("kind")?.word()?,
        name: table.optional("name").map(Value::string).transpose()?,
        family: table.optional("family").map(Value::string).transpose()?,
        terms: table.optional("terms").map(Value::strings).transpose()?.unwrap_or_default(),
        grant: table.optional("grant").map(Value::string).transpose()?,
        line: table.line(),
    };
    table.finish()?;
    Ok(asset)
}

fn edge(mut table: Table<'_, '_>) -> Result<Edge, Error> {
    let edge = Edge {
        from: table.required("from")?.string()?,
        to: table.required("to")?.string()?,
        action: table.required("action")?.word()?,
        tokens: table.optional("tokens").map(Value::count).transpose()?,
        line: table.line(),
    };
    table.finish()?;
    Ok(edge)
}

fn declared(mut table: Table<'_, '_>) -> Result<Declared, Error> {
    let declared = Declared {
        commercial: table.optional("commercial").map(Value::boolean).transpose()?,
        audience: table.optional("audience").map(Value::word).transpose()?,
        competes: table.optional("competes").map(Value::boolean).transpose()?,
        monthly_active_users: table.optional("monthly_active_users").map(Value::count).transpose()?,
        revenue_usd_per_year: table.optional("revenue_usd_per_year").map(Value::count).transpose()?,
        private_classifier: table.optional("private_classifier").map(Value::boolean).transpose()?,
    };
    table.finish()?;
    Ok(declared)
}
