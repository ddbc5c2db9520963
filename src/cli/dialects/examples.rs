//! Commands to try the mounted dialects with: one that writes and one that reads, for each that has both.
//!
//! They come from the examples of the mappings, with the ids that the running directory has for the
//! vendor, and are meant to be pasted in their order into a shell beside a fresh server.

use super::curl::command;
use crate::dialect::{Dialect, OpId, Routed, Settings};
use crate::directory::{Directory, Tenant, id_at};
use crate::model::{Field, OperationKind, OwnedRequest, Record, Value, VendorName};

/// What writes, the best first: what makes a link shows most, and what makes a user works without one.
const WRITING: &[&str] = &[
    "link.create",
    "user.create",
    "user.put",
    "user.update",
    "link.delete",
];

/// What reads, the best first.
const READING: &[&str] = &["link.list", "user.get", "user.list", "link.find"];

/// Makes the commands of one start. It remembers what the earlier ones do: all of them share one store.
pub(crate) struct Guide<'d> {
    directory: &'d Directory,
    /// The canonical provider and the account of every link that is made.
    taken: Vec<(String, String)>,
    /// The parameters with which links were made, by vendor.
    made: Vec<(VendorName, Record)>,
    /// The users that have a link: some vendors allow one only.
    linked: Vec<String>,
}

/// A request with what it means.
struct Sent {
    op: OpId,
    request: OwnedRequest,
    params: Record,
}

impl<'d> Guide<'d> {
    /// For a server with this directory.
    pub(crate) fn new(directory: &'d Directory) -> Self {
        Self {
            directory,
            taken: Vec::new(),
            made: Vec::new(),
            linked: Vec::new(),
        }
    }

    /// A writing and a reading command for a dialect, with the example key. A dialect that reads neither links
    /// nor users has none for that.
    pub(crate) fn commands(&mut self, dialect: &Dialect, settings: &Settings) -> Vec<String> {
        let written = self.writing(dialect, settings);
        let nothing = Record::new();
        let params = written.as_ref().map_or(&nothing, |sent| &sent.params);
        let read = self.reading(dialect, settings, params);
        let sent = [written, read].into_iter().flatten();
        sent.map(|sent| command(dialect, sent.op, &sent.request, &settings.origin))
            .collect()
    }

    fn writing(&mut self, dialect: &Dialect, settings: &Settings) -> Option<Sent> {
        let kinds = WRITING.iter().filter_map(|name| OperationKind::named(name));
        for kind in kinds {
            for example in examples(dialect, kind) {
                let mut params = self.fitted(dialect, example);
                if kind == OperationKind::LinkDelete {
                    self.point_at_a_link(dialect, &mut params);
                } else {
                    self.set_apart(dialect, &mut params);
                }
                let mut tried = others(kind, params, &self.linked).into_iter();
                if let Some(sent) = tried.find_map(|params| send(dialect, kind, params, settings)) {
                    self.remember(dialect, kind, &sent.params);
                    return Some(sent);
                }
            }
        }
        None
    }

    fn reading(&self, dialect: &Dialect, settings: &Settings, written: &Record) -> Option<Sent> {
        let kinds = READING.iter().filter_map(|name| OperationKind::named(name));
        for kind in kinds {
            let is_one = matches!(kind, OperationKind::UserGet | OperationKind::LinkFind);
            for example in examples(dialect, kind) {
                // The first page is the one that has what was written.
                let example = example
                    .iter()
                    .filter(|(f, _)| !f.name().starts_with("page."));
                let example = example.map(|(f, v)| (f, v.clone())).collect();
                let mut params = self.fitted(dialect, &example);
                for field in [Field::UserId, Field::ProviderId, Field::Subject] {
                    if let (true, Some(text)) = (params.has(field), written.text(field)) {
                        params.set_text(field, text);
                    }
                }
                // One user or link is there only if the writing command has named it.
                let is_there = params
                    .iter()
                    .all(|(f, _)| f == Field::Tenant || written.has(f));
                if is_one && !is_there {
                    continue;
                }
                if let Some(sent) = send(dialect, kind, params, settings) {
                    return Some(sent);
                }
            }
        }
        None
    }

    /// The parameters of an example with ids of the running directory.
    fn fitted(&self, dialect: &Dialect, example: &Record) -> Record {
        let vendor = dialect.vendor();
        let mut params = example.clone();
        let named = params.text(Field::Tenant);
        let tenant = named.and_then(|id| self.directory.tenant_of(vendor, id));
        let tenant = tenant.or_else(|| self.directory.tenants().first());
        let is_asked_for = named.is_some() || self.directory.tenants().len() > 1;
        let id = tenant.and_then(|t| id_at(t.tenant_id.as_str(), &t.ids, vendor));
        match id.filter(|_| is_asked_for) {
            Some(id) => params.set_text(Field::Tenant, id),
            None => drop(params.take(Field::Tenant)),
        }
        if let Some(tenant) = tenant {
            self.replace_providers(vendor, tenant, &mut params);
        }
        params
    }

    /// Puts a provider of the directory in the place of each that it does not have.
    fn replace_providers(&self, vendor: &VendorName, tenant: &Tenant, record: &mut Record) {
        let id = &tenant.tenant_id;
        let mut usable = self.directory.providers(id).filter(|p| p.enabled);
        let first = usable.find_map(|p| id_at(p.provider_id.as_str(), &p.ids, vendor));
        for (field, value) in record.iter_mut() {
            match value {
                Value::Text(text) if field == Field::ProviderId => {
                    let known = self.directory.provider_of(id, vendor, text);
                    if !known.is_ok_and(|provider| provider.enabled)
                        && let Some(first) = first
                    {
                        first.clone_into(text);
                    }
                }
                Value::Record(inner) => self.replace_providers(vendor, tenant, inner),
                Value::List(items) => items
                    .iter_mut()
                    .for_each(|inner| self.replace_providers(vendor, tenant, inner)),
                _ => {}
            }
        }
    }

    /// Gives an account that an earlier command links another name: it has one holder only.
    fn set_apart(&self, dialect: &Dialect, record: &mut Record) {
        let is_taken = |account: &(String, String)| self.taken.contains(account);
        while let Some((_, subject)) = self.account(dialect, record).filter(is_taken) {
            record.set_text(Field::Subject, format!("{subject}-{}", dialect.name()));
        }
        for (_, value) in record.iter_mut() {
            match value {
                Value::Record(inner) => self.set_apart(dialect, inner),
                Value::List(items) => items
                    .iter_mut()
                    .for_each(|inner| self.set_apart(dialect, inner)),
                _ => {}
            }
        }
    }

    fn remember(&mut self, dialect: &Dialect, kind: OperationKind, params: &Record) {
        if kind == OperationKind::LinkDelete {
            return;
        }
        let mut records = vec![params];
        while let Some(record) = records.pop() {
            self.taken.extend(self.account(dialect, record));
            for (_, value) in record.iter() {
                match value {
                    Value::Record(inner) => records.push(inner),
                    Value::List(items) => records.extend(items),
                    _ => {}
                }
            }
        }
        if kind == OperationKind::LinkCreate {
            self.linked
                .extend(params.text(Field::UserId).map(str::to_owned));
            self.made.push((dialect.vendor().clone(), params.clone()));
        }
    }

    /// The canonical provider and the account of a record that has both.
    fn account(&self, dialect: &Dialect, record: &Record) -> Option<(String, String)> {
        let id = record.text(Field::ProviderId)?;
        let subject = record.text(Field::Subject)?;
        let mut providers = self.directory.all_providers().iter();
        let provider =
            providers.find(|p| id_at(p.provider_id.as_str(), &p.ids, dialect.vendor()) == Some(id));
        let key = provider.map_or(id, |provider| provider.provider_id.as_str());
        Some((key.to_owned(), subject.to_owned()))
    }

    /// A delete means the link that an earlier command of the same vendor has made, if there is one.
    fn point_at_a_link(&self, dialect: &Dialect, params: &mut Record) {
        let made = self.made.iter().rev();
        let Some((_, link)) = made
            .into_iter()
            .find(|(vendor, _)| vendor == dialect.vendor())
        else {
            return;
        };
        for field in [Field::UserId, Field::ProviderId, Field::Subject] {
            if let (true, Some(text)) = (params.has(field), link.text(field)) {
                params.set_text(field, text);
            }
        }
    }
}

/// The parameters, for another user where that of the example has a link already: ids that end otherwise, of
/// which the dialect takes one.
fn others(kind: OperationKind, params: Record, linked: &[String]) -> Vec<Record> {
    let user = params.text(Field::UserId).map(str::to_owned);
    let is_linked = user.as_ref().is_some_and(|user| linked.contains(user));
    let Some(user) = user.filter(|_| is_linked && kind == OperationKind::LinkCreate) else {
        return vec![params];
    };
    let mut start = user;
    start.pop();
    let ids = ('0'..='9').map(|end| format!("{start}{end}"));
    ids.filter(|id| !linked.contains(id))
        .map(|id| params.clone().with(Field::UserId, Value::Text(id)))
        .collect()
}

/// The parameters of the examples of an operation, those of refused requests left out.
fn examples(dialect: &Dialect, kind: OperationKind) -> impl Iterator<Item = &Record> {
    let ops = dialect.plan().ops.iter().filter(move |op| op.does == kind);
    let examples = ops.flat_map(|op| &op.examples);
    let accepted = examples.filter(|e| e.problems.as_ref().is_none_or(Vec::is_empty));
    accepted.filter_map(|example| example.params.as_ref())
}

/// The request that says this, if the dialect itself reads it without a fault.
fn send(
    dialect: &Dialect,
    kind: OperationKind,
    params: Record,
    settings: &Settings,
) -> Option<Sent> {
    let (op, request) = dialect.encode_request(kind, &params, settings)?;
    let Routed::Ops(candidates) = dialect.route(&request.method, &request.path) else {
        return None;
    };
    let read = dialect.decode_request(&candidates, &request.view(), settings);
    let is_sound = read.is_ok_and(|decoded| {
        decoded.op == op && decoded.problems.is_empty() && decoded.refusal.is_none()
    });
    is_sound.then_some(Sent {
        op,
        request,
        params,
    })
}

#[cfg(test)]
mod tests;
