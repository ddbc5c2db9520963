//! How each vendor's client works, read from `tests/fronts/clients/`: which requests it sends to make, see and
//! remove a link, and what its vendor answers. It is written from the vendor references, so that our own encoder
//! does not judge itself.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use linkbridge::mapping::builtin;
use serde_json::Value;
use toml::Table;

use super::template::Request;

/// An answer with holes.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// Its status.
    pub(crate) status: u16,
    /// Its body; `None` if it has none.
    pub(crate) body: Option<Value>,
}

/// A way to make a link.
#[derive(Clone, Debug)]
pub(crate) struct Create {
    /// Its name.
    pub(crate) way: String,
    /// What of a link, beyond its account, the request carries: `name`, `token`.
    pub(crate) keeps: Vec<String>,
    /// Whether a pending link has to be there before.
    pub(crate) pending: bool,
    /// The request.
    pub(crate) request: Request,
    /// The answer, and where in it the link's id stands.
    pub(crate) says: Said,
    /// Where the links stand in the answer.
    pub(crate) ids: Option<String>,
}

/// A way to see links.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    /// Its name.
    pub(crate) way: String,
    /// The request.
    pub(crate) request: Request,
    /// The body that tells links.
    pub(crate) told: Value,
    /// Where the links stand in the answer.
    pub(crate) ids: Option<String>,
    /// What is said where there is no link.
    pub(crate) gone: Said,
    /// Whether it asks for one link; else for all of a user.
    pub(crate) one: bool,
}

/// A way to remove a link.
#[derive(Clone, Debug)]
pub(crate) struct Delete {
    /// Its name.
    pub(crate) way: String,
    /// The request.
    pub(crate) request: Request,
    /// The answer.
    pub(crate) says: Said,
    /// Where the links stand in the answer.
    pub(crate) ids: Option<String>,
    /// The answer where there is no such link.
    pub(crate) gone: Said,
}

/// The client of one front.
#[derive(Debug)]
pub(crate) struct Client {
    /// The dialect of the front.
    pub(crate) dialect: String,
    /// Whose ids it knows.
    pub(crate) vendor: String,
    /// The headers of all its requests.
    pub(crate) headers: Vec<String>,
    /// The header with which it names a tenant.
    pub(crate) names_tenant: Option<String>,
    /// The media type of errors.
    pub(crate) errors: String,
    /// Headers of every answer with a body, where no exchanges say them.
    pub(crate) house: Vec<(String, String)>,
    /// The documents that stand for a link.
    pub(crate) parts: Vec<(String, Value)>,
    /// The members of such a document that hold its id and its subject.
    pub(crate) link_at: Option<(String, String)>,
    /// The ways to make a link.
    pub(crate) creates: Vec<Create>,
    /// The ways to see links.
    pub(crate) reads: Vec<Read>,
    /// The ways to remove a link.
    pub(crate) deletes: Vec<Delete>,
    /// What it says where a rule is broken.
    pub(crate) rules: Vec<(String, Said)>,
}

impl Client {
    /// What it says where this rule is broken.
    pub(crate) fn rule(&self, name: &str) -> Option<&Said> {
        let found = self.rules.iter().find(|(known, _)| known == name);
        found.map(|(_, said)| said)
    }

    /// The list of a user's links, if the API has one.
    pub(crate) fn list(&self) -> Option<&Read> {
        self.reads.iter().find(|read| !read.one)
    }
}

/// The client of every built-in dialect.
pub(crate) static CLIENTS: LazyLock<Vec<Client>> = LazyLock::new(|| {
    let names = builtin::SOURCES.iter().map(|(name, _)| *name);
    names
        .map(|name| read(name).unwrap_or_else(|error| panic!("{name}: {error}")))
        .collect()
});

/// The client of this dialect.
pub(crate) fn client(dialect: &str) -> &'static Client {
    let mut all = CLIENTS.iter();
    all.find(|client| client.dialect == dialect)
        .unwrap_or_else(|| panic!("no client of {dialect}"))
}

/// The folder with the data of these tests.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fronts")
}

/// A file of that folder.
pub(crate) fn table(name: &str) -> Result<Table, String> {
    let path = folder().join(name);
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    text.parse().map_err(|e| format!("{name}: {e}"))
}

fn read(dialect: &str) -> Result<Client, String> {
    let table = table(&format!("clients/{dialect}.toml"))?;
    if text(&table, "dialect")? != dialect {
        return Err("the file is of another dialect".to_owned());
    }
    let reads = tables(&table, "read");
    let link_at = reads.iter().find_map(|read| {
        let at = |name| read.get(name).and_then(toml::Value::as_str);
        Some((at("link_at")?.to_owned(), at("subject_at")?.to_owned()))
    });
    let of = |name: &str| table.get(name).and_then(toml::Value::as_table).cloned();
    let parts = of("parts").unwrap_or_default().into_iter();
    let parts = parts.map(|(name, part)| Ok((name, json(part.as_str().unwrap_or_default())?)));
    let rules = of("rules").unwrap_or_default().into_iter();
    let rules = rules.map(|(name, rule)| {
        let rule = rule.as_table().ok_or("a rule that is no table")?;
        Ok((name, said(rule, "body")?))
    });
    let house = of("house").unwrap_or_default().into_iter();
    let house = house.filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
    Ok(Client {
        dialect: dialect.to_owned(),
        vendor: text(&table, "vendor")?,
        headers: texts(&table, "headers"),
        names_tenant: text(&table, "names_tenant").ok(),
        errors: text(&table, "errors")?,
        house: house.collect(),
        parts: parts.collect::<Result<_, String>>()?,
        link_at,
        creates: all(&table, "create", create)?,
        reads: all(&table, "read", one_read)?,
        deletes: all(&table, "delete", delete)?,
        rules: rules.collect::<Result<_, String>>()?,
    })
}

fn create(table: &Table) -> Result<Create, String> {
    Ok(Create {
        way: text(table, "way")?,
        keeps: texts(table, "keeps"),
        pending: flag(table, "pending"),
        request: Request::parse(&text(table, "request")?)?,
        says: said(table, "answer")?,
        ids: text(table, "ids").ok(),
    })
}

fn one_read(table: &Table) -> Result<Read, String> {
    let told = json(&text(table, "told")?)?;
    let gone = match table.get("gone").and_then(toml::Value::as_table) {
        Some(gone) => said(gone, "body")?,
        // A list with nothing in it.
        None => Said {
            status: 200,
            body: Some(match text(table, "none") {
                Ok(none) => json(&none)?,
                Err(_) => told.clone(),
            }),
        },
    };
    Ok(Read {
        way: text(table, "way")?,
        request: Request::parse(&text(table, "request")?)?,
        told,
        ids: text(table, "ids").ok(),
        gone,
        one: flag(table, "one"),
    })
}

fn delete(table: &Table) -> Result<Delete, String> {
    let gone = table.get("gone").and_then(toml::Value::as_table);
    Ok(Delete {
        way: text(table, "way")?,
        request: Request::parse(&text(table, "request")?)?,
        says: said(table, "answer")?,
        ids: text(table, "ids").ok(),
        gone: said(gone.ok_or("a delete without `gone`")?, "body")?,
    })
}

/// Status and body of an answer.
pub(crate) fn said(table: &Table, body: &str) -> Result<Said, String> {
    let status = table.get("status").and_then(toml::Value::as_integer);
    let status = status.and_then(|n| u16::try_from(n).ok());
    let body = text(table, body).ok().map(|body| json(&body)).transpose()?;
    Ok(Said {
        status: status.ok_or("an answer without a status")?,
        body,
    })
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("{error} in {text}"))
}

fn all<T>(
    table: &Table,
    name: &str,
    read: impl Fn(&Table) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    tables(table, name).iter().map(read).collect()
}

/// The tables of an array.
pub(crate) fn tables(table: &Table, name: &str) -> Vec<Table> {
    let list = table.get(name).and_then(toml::Value::as_array);
    let tables = list.into_iter().flatten().filter_map(toml::Value::as_table);
    tables.cloned().collect()
}

/// A text that must be there.
pub(crate) fn text(table: &Table, name: &str) -> Result<String, String> {
    let text = table.get(name).and_then(toml::Value::as_str);
    text.map(str::to_owned)
        .ok_or_else(|| format!("`{name}` is missing in {table}"))
}

/// The texts of an array.
pub(crate) fn texts(table: &Table, name: &str) -> Vec<String> {
    let list = table.get(name).and_then(toml::Value::as_array);
    let texts = list.into_iter().flatten().filter_map(toml::Value::as_str);
    texts.map(str::to_owned).collect()
}

/// Whether something is said to be so.
pub(crate) fn flag(table: &Table, name: &str) -> bool {
    table.get(name).and_then(toml::Value::as_bool) == Some(true)
}

#[test]
fn every_file_is_the_client_of_a_built_in_dialect() {
    let names: Vec<String> = CLIENTS
        .iter()
        .map(|client| format!("{}.toml", client.dialect))
        .collect();
    for entry in std::fs::read_dir(folder().join("clients")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(names.contains(&name), "nobody is the client in {name}");
    }
}
