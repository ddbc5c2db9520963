//! The links that come with a user who is put, whether they stand in one list or one for each protocol.

use super::bind::{self, problem};
use super::caller::limit_at;
use super::ids::{Finder, Found};
use crate::directory::Tenant;
use crate::model::{Failure, Field, NewLink, OperationKind, Provider, Record, Secret, Why};

impl Finder<'_> {
    /// A link that comes with its user. If a protocol is named, its provider must speak it.
    pub(super) fn new_link(
        &self,
        tenant: &Tenant,
        record: &Record,
        protocol: Option<&str>,
        found: &mut Found,
    ) {
        let speaks = |p: &&Provider| protocol.is_none_or(|name| p.kind.protocol().name() == name);
        let provider = match record.text(Field::ProviderId) {
            Some(id) => self.provider(id, true).ok().filter(speaks),
            None => {
                found
                    .problems
                    .push(problem(Field::ProviderId, Why::Missing, None));
                return;
            }
        };
        let subject = bind::need_subject(record);
        found.problems.extend(bind::too_long(record));
        match (provider, subject) {
            (Some(provider), Ok(subject)) => found.ids.links.push(NewLink {
                provider_id: provider.provider_id.clone(),
                subject,
                display_name: record.text(Field::DisplayName).map(str::to_owned),
                token: record.text(Field::Token).map(Secret::new),
                limit: limit_at(self.rules, tenant, Some(&provider.provider_id)),
            }),
            (provider, subject) => {
                if provider.is_none() {
                    let fault = (Field::ProviderId, Failure::ProviderNotFound);
                    found.faults.push(fault);
                }
                found.problems.extend(bind::told(subject));
            }
        }
    }
}

/// The links that are to be made along with a user, each with the protocol that it is said to be of.
pub(super) fn new_links(
    kind: OperationKind,
    params: &Record,
) -> impl Iterator<Item = (&Record, Option<&str>)> {
    use OperationKind as K;
    let puts_user = matches!(kind, K::UserPut | K::UserCreate | K::UserUpdate);
    let plain = links_of(params).map(|link| (link, None));
    let credentials = params.list(Field::Credentials).unwrap_or_default();
    let by_protocol = credentials.iter().flat_map(|credential| {
        let protocol = credential.text(Field::Protocol);
        links_of(credential).map(move |link| (link, protocol))
    });
    plain.chain(by_protocol).filter(move |_| puts_user)
}

fn links_of(record: &Record) -> impl Iterator<Item = &Record> {
    record.list(Field::Links).unwrap_or_default().iter()
}
