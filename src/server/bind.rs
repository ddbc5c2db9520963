//! From params to an [`Action`]: texts become ids, and what does not fit becomes a problem.
//!
//! The ids of user and provider have been translated by the directory before; here the rest is
//! refined, so that a decoded operation needs no further checking.

use crate::directory::Directory;
use crate::edge::keys;
use crate::model::id::IdFault;
use crate::model::link::MAX_DOCUMENT_BYTES;
use crate::model::{
    Action, Alias, Failure, Field, Instant, LinkId, OperationKind, Page, Place, Problem,
    ProviderId, ProviderKind, Record, Secret, Subject, Target, UserId, Value, VendorName, Why,
};

/// The longest text that is kept for people to read, in characters.
const MAX_TEXT_CHARS: usize = 1024;
/// The longest token of a link, in bytes.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The canonical ids that the directory found for a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    /// The user.
    pub(super) user: Option<UserId>,
    /// The provider.
    pub(super) provider: Option<ProviderId>,
}

/// Builds actions of one request's params.
pub(super) struct Binder<'a> {
    /// The params.
    pub(super) params: &'a Record,
    /// Their ids in the canonical form.
    pub(super) ids: Ids,
    /// Which vendors there are.
    pub(super) directory: &'a Directory,
    /// When a pending link that is made now ends.
    pub(super) pending_ends: Instant,
}

impl Binder<'_> {
    /// The action that `kind` means with these params.
    ///
    /// # Errors
    /// `Invalid` for values that do not fit; `LinkNotFound` for what cannot be a link's id;
    /// `Overloaded` if there are no random numbers.
    pub(super) fn action(&self, kind: OperationKind) -> Result<Action, Failure> {
        use OperationKind as K;
        Ok(match kind {
            K::LinkCreate => Action::LinkCreate {
                user_id: self.user()?,
                provider_id: self.provider()?,
                subject: self.need_subject()?,
                display_name: self.text(Field::DisplayName),
                token: self.text(Field::Token).map(Secret::new),
            },
            K::LinkGet => Action::LinkGet {
                link_id: self.link_id()?,
                user_id: self.ids.user.clone(),
            },
            K::LinkFind => Action::LinkFind {
                provider_id: self.provider()?,
                // No link has an account that cannot be linked.
                subject: self.need_subject().map_err(|_| Failure::LinkNotFound)?,
                user_id: self.ids.user.clone(),
            },
            K::LinkList => Action::LinkList {
                user_id: self.user()?,
                provider_id: self.ids.provider.clone(),
                subject: self.subject()?,
                page: self.page()?,
            },
            K::LinkDelete => Action::LinkDelete(self.target()?),
            K::PendingCreate => self.pending_create()?,
            K::PendingGet => Action::PendingGet {
                pending_id: self.pending_id()?,
                user_id: self.ids.user.clone(),
            },
            K::PendingComplete => Action::PendingComplete {
                pending_id: self.pending_id()?,
                user_id: self.user()?,
            },
            K::ProviderList => Action::ProviderList {
                name: self.text(Field::ProviderName),
                kind: self.provider_kind()?,
                page: self.page()?,
            },
            K::ProviderGet => Action::ProviderGet {
                provider_id: self.ids.provider.clone(),
                domain: self.text(Field::Domain),
            },
            K::UserGet => Action::UserGet {
                user_id: self.user()?,
            },
            K::UserPut => self.user_put()?,
            K::UserList => Action::UserList { page: self.page()? },
            K::UserDelete => Action::UserDelete {
                user_id: self.user()?,
            },
            K::UserAlias => self.user_alias()?,
            K::Status => Action::Status,
        })
    }

    /// What is wrong with the values themselves, whatever the ids mean.
    pub(super) fn problems(&self, kind: OperationKind) -> Vec<Problem> {
        use OperationKind as K;
        let subject = match kind {
            K::LinkCreate | K::LinkFind | K::PendingCreate => self.need_subject().err(),
            _ => self.subject().err(),
        };
        let mut problems = match subject {
            Some(Failure::Invalid(problems)) => problems,
            _ => Vec::new(),
        };
        problems.extend(self.too_long());
        problems
    }

    /// What is kept as it was put has a size, so that no client fills the store with one request after
    /// the other, or makes answers that are slow for everybody.
    fn too_long(&self) -> impl Iterator<Item = Problem> {
        let chars = |field| self.params.text(field).map(|text| text.chars().count());
        let document = match self.params.value(Field::Document) {
            Some(Value::Json(json)) => Some(json.to_string().len()),
            _ => None,
        };
        [
            (
                Field::DisplayName,
                chars(Field::DisplayName),
                MAX_TEXT_CHARS,
            ),
            (Field::Email, chars(Field::Email), MAX_TEXT_CHARS),
            (Field::Username, chars(Field::Username), MAX_TEXT_CHARS),
            (
                Field::Token,
                self.params.text(Field::Token).map(str::len),
                MAX_TOKEN_BYTES,
            ),
            (Field::Document, document, MAX_DOCUMENT_BYTES),
        ]
        .into_iter()
        .filter(|(_, size, max)| size.is_some_and(|size| size > *max))
        .map(|(field, _, max)| problem(field, Why::TooLong, Some(max as u64)))
    }

    fn pending_create(&self) -> Result<Action, Failure> {
        Ok(Action::PendingCreate {
            pending_id: keys::random_id().map_err(|_| no_random())?,
            provider_id: self.provider()?,
            subject: self.need_subject()?,
            display_name: self.text(Field::DisplayName),
            email: self.text(Field::Email),
            username: self.text(Field::Username),
            token: self.text(Field::Token).map(Secret::new),
            expires_at: self.pending_ends,
        })
    }

    /// A user that is put without an id gets a random one.
    fn user_put(&self) -> Result<Action, Failure> {
        let user_id = match &self.ids.user {
            Some(user) => user.clone(),
            None => UserId::new(&uuid::Uuid::new_v4().to_string())
                .map_err(|f| self.fault(Field::UserId, f))?,
        };
        let document = match self.params.value(Field::Document) {
            Some(Value::Json(json)) => Some(json.to_string()),
            _ => None,
        };
        let ids = self.params.list(Field::Ids).unwrap_or_default().iter();
        let ids = ids
            .map(|alias| self.alias(alias))
            .collect::<Result<_, _>>()?;
        Ok(Action::UserPut {
            user_id,
            document,
            ids,
        })
    }

    fn user_alias(&self) -> Result<Action, Failure> {
        let Alias { vendor, vendor_id } = self.alias(self.params)?;
        let rebind = match self.params.bool(Field::Rebind) {
            Some(true) => Some(self.need_text(Field::Reason)?),
            _ => None,
        };
        Ok(Action::UserAlias {
            user_id: self.user()?,
            vendor,
            vendor_id,
            rebind,
        })
    }

    fn alias(&self, record: &Record) -> Result<Alias, Failure> {
        let text = |field| {
            record
                .text(field)
                .ok_or_else(|| self.problem(field, Why::Missing, None))
        };
        let vendor =
            VendorName::new(text(Field::Vendor)?).map_err(|f| self.fault(Field::Vendor, f))?;
        // An alias at a misspelled vendor would be kept, and never be found again.
        if !self.directory.knows_vendor(&vendor) {
            return Err(self.problem(Field::Vendor, Why::UnknownValue, None));
        }
        // A vendor's id obeys the same rules as a canonical one: it must compare byte for byte.
        let vendor_id = text(Field::VendorId)?;
        UserId::new(vendor_id).map_err(|f| self.fault(Field::VendorId, f))?;
        Ok(Alias {
            vendor,
            vendor_id: vendor_id.to_owned(),
        })
    }

    fn target(&self) -> Result<Target, Failure> {
        if self.params.has(Field::LinkId) {
            return Ok(Target::Id {
                link_id: self.link_id()?,
                user_id: self.ids.user.clone(),
            });
        }
        let (user_id, provider_id) = (self.user()?, self.provider()?);
        Ok(match self.subject()? {
            Some(subject) => Target::Exact {
                user_id,
                provider_id,
                subject,
            },
            None => Target::AtProvider {
                user_id,
                provider_id,
                all: self.params.text(Field::Many) == Some("all"),
            },
        })
    }

    fn user(&self) -> Result<UserId, Failure> {
        self.ids
            .user
            .clone()
            .ok_or_else(|| self.problem(Field::UserId, Why::Missing, None))
    }

    fn provider(&self) -> Result<ProviderId, Failure> {
        self.ids
            .provider
            .clone()
            .ok_or_else(|| self.problem(Field::ProviderId, Why::Missing, None))
    }

    fn subject(&self) -> Result<Option<Subject>, Failure> {
        let Some(text) = self.params.text(Field::Subject) else {
            return Ok(None);
        };
        Subject::new(text)
            .map(Some)
            .map_err(|f| self.fault(Field::Subject, f))
    }

    fn need_subject(&self) -> Result<Subject, Failure> {
        self.subject()?
            .ok_or_else(|| self.problem(Field::Subject, Why::Missing, None))
    }

    fn link_id(&self) -> Result<LinkId, Failure> {
        let text = self.need_text(Field::LinkId)?;
        LinkId::parse(&text).ok_or(Failure::LinkNotFound)
    }

    fn pending_id(&self) -> Result<Secret, Failure> {
        match self.params.text(Field::PendingId) {
            Some(text) if !text.trim().is_empty() => Ok(Secret::new(text)),
            // No pending link has such an id, however it came here.
            _ => Err(Failure::PendingNotFound),
        }
    }

    fn provider_kind(&self) -> Result<Option<ProviderKind>, Failure> {
        let Some(text) = self.params.text(Field::ProviderKind) else {
            return Ok(None);
        };
        let kind = ProviderKind::named(text);
        kind.map(Some)
            .ok_or_else(|| self.problem(Field::ProviderKind, Why::UnknownValue, None))
    }

    fn page(&self) -> Result<Page, Failure> {
        let part = |field| match self.params.int(field) {
            None => Ok(None),
            Some(n) => u64::try_from(n)
                .map(Some)
                .map_err(|_| self.problem(field, Why::Malformed, None)),
        };
        Ok(Page {
            offset: part(Field::PageOffset)?.unwrap_or(0),
            limit: part(Field::PageLimit)?,
        })
    }

    fn text(&self, field: Field) -> Option<String> {
        self.params.text(field).map(str::to_owned)
    }

    fn need_text(&self, field: Field) -> Result<String, Failure> {
        match self.params.text(field) {
            None => Err(self.problem(field, Why::Missing, None)),
            Some(text) if text.trim().is_empty() => Err(self.problem(field, Why::Blank, None)),
            Some(text) => Ok(text.to_owned()),
        }
    }

    fn fault(&self, field: Field, fault: IdFault) -> Failure {
        match fault {
            IdFault::Blank => self.problem(field, Why::Blank, None),
            IdFault::Malformed => self.problem(field, Why::Malformed, None),
            IdFault::TooLong => self.problem(
                field,
                Why::TooLong,
                Some(crate::model::id::MAX_ID_BYTES as u64),
            ),
        }
    }

    fn problem(&self, field: Field, why: Why, max: Option<u64>) -> Failure {
        Failure::Invalid(vec![problem(field, why, max)])
    }
}

/// Something is wrong with a field. Where it stands in the dialect is for `Dialect::place` to say.
pub(super) fn problem(field: Field, why: Why, max: Option<u64>) -> Problem {
    Problem {
        place: Place::Body,
        at: String::new(),
        field: Some(field),
        why,
        max,
    }
}

fn no_random() -> Failure {
    Failure::Overloaded {
        retry_after: std::time::Duration::from_secs(1),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{directory, vendor};
    use super::*;

    fn bound(kind: OperationKind, fields: &[(Field, Value)]) -> Result<Action, Failure> {
        let params: Record = fields.iter().cloned().collect();
        let ids = Ids {
            user: UserId::new("u-1").ok(),
            provider: ProviderId::new("google").ok(),
        };
        Binder {
            params: &params,
            ids,
            directory: &directory(&["acme"]),
            pending_ends: Instant(5),
        }
        .action(kind)
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn why(answer: Result<Action, Failure>) -> (Option<Field>, Why) {
        match answer {
            Err(Failure::Invalid(problems)) => (problems[0].field, problems[0].why),
            other => panic!("not invalid: {other:?}"),
        }
    }

    #[test]
    fn a_create_takes_its_fields_by_name() {
        let action = bound(
            OperationKind::LinkCreate,
            &[(Field::Subject, text("ext-1")), (Field::Token, text("t"))],
        );
        let Ok(Action::LinkCreate {
            user_id,
            subject,
            token,
            display_name,
            ..
        }) = action
        else {
            panic!("{action:?}")
        };
        assert_eq!((user_id.as_str(), subject.as_str()), ("u-1", "ext-1"));
        assert_eq!(
            (token.map(|t| t.expose().to_owned()), display_name),
            (Some("t".to_owned()), None)
        );
    }

    #[test]
    fn a_subject_that_cannot_be_compared_is_a_problem() {
        let subject = |s: &str| {
            why(bound(
                OperationKind::LinkCreate,
                &[(Field::Subject, text(s))],
            ))
        };
        assert_eq!(subject(" "), (Some(Field::Subject), Why::Blank));
        assert_eq!(subject("a\0"), (Some(Field::Subject), Why::Malformed));
        assert_eq!(
            subject(&"x".repeat(2000)),
            (Some(Field::Subject), Why::TooLong)
        );
        assert_eq!(
            why(bound(OperationKind::LinkCreate, &[])),
            (Some(Field::Subject), Why::Missing)
        );
    }

    #[test]
    fn what_is_kept_has_a_size_and_everything_over_it_is_told_at_once() {
        let problems = |kind, fields: &[(Field, Value)]| {
            let params: Record = fields.iter().cloned().collect();
            let binder = Binder {
                params: &params,
                ids: Ids::default(),
                directory: &directory(&["acme"]),
                pending_ends: Instant(5),
            };
            let told = binder.problems(kind).into_iter();
            told.map(|p| (p.field, p.why, p.max)).collect::<Vec<_>>()
        };
        let of = |extra: usize| {
            // Two bytes a character: texts for people are counted in characters.
            let name = || text(&"é".repeat(1024 + extra));
            vec![
                (Field::Subject, text("ext-1")),
                (Field::DisplayName, name()),
                (Field::Email, name()),
                (Field::Username, name()),
                (Field::Token, text(&"t".repeat(16_384 + extra))),
            ]
        };
        assert_eq!(problems(OperationKind::PendingCreate, &of(0)), []);
        let long = |field, max| (Some(field), Why::TooLong, Some(max));
        assert_eq!(
            problems(OperationKind::PendingCreate, &of(1)),
            [
                long(Field::DisplayName, 1024),
                long(Field::Email, 1024),
                long(Field::Username, 1024),
                long(Field::Token, 16_384)
            ]
        );
        // The quotes of the JSON text count.
        let document = |size: usize| {
            let json = serde_json::Value::String("d".repeat(size - 2));
            problems(
                OperationKind::UserPut,
                &[(Field::Document, Value::Json(json))],
            )
        };
        assert_eq!(document(65_536), []);
        assert_eq!(document(65_537), [long(Field::Document, 65_536)]);
    }

    #[test]
    fn a_delete_means_the_most_particular_thing_it_names() {
        let delete = |fields: &[(Field, Value)]| match bound(OperationKind::LinkDelete, fields) {
            Ok(Action::LinkDelete(target)) => target,
            other => panic!("{other:?}"),
        };
        let id = "69e818f5-646c-5de2-bb50-1acdef60e91c";
        assert!(matches!(
            delete(&[(Field::LinkId, text(id))]),
            Target::Id { .. }
        ));
        assert!(matches!(
            delete(&[(Field::Subject, text("e"))]),
            Target::Exact { .. }
        ));
        assert!(matches!(delete(&[]), Target::AtProvider { all: false, .. }));
        assert!(matches!(
            delete(&[(Field::Many, text("all"))]),
            Target::AtProvider { all: true, .. }
        ));
        let nonsense = bound(
            OperationKind::LinkDelete,
            &[(Field::LinkId, text("no-uuid"))],
        );
        assert_eq!(nonsense, Err(Failure::LinkNotFound));
    }

    #[test]
    fn moving_an_alias_needs_a_reason() {
        let mut fields = vec![
            (Field::Vendor, text(vendor().as_str())),
            (Field::VendorId, text("7")),
            (Field::Rebind, Value::Bool(true)),
        ];
        assert_eq!(
            why(bound(OperationKind::UserAlias, &fields)),
            (Some(Field::Reason), Why::Missing)
        );
        fields.push((Field::Reason, text("merged accounts")));
        assert!(matches!(
            bound(OperationKind::UserAlias, &fields),
            Ok(Action::UserAlias {
                rebind: Some(_),
                ..
            })
        ));
    }

    #[test]
    fn a_vendor_that_nothing_has_an_id_at_is_unknown() {
        let fields = [
            (Field::Vendor, text("misspelled")),
            (Field::VendorId, text("7")),
        ];
        assert_eq!(
            why(bound(OperationKind::UserAlias, &fields)),
            (Some(Field::Vendor), Why::UnknownValue)
        );
    }

    #[test]
    fn two_pending_links_never_share_an_id() {
        let id = || match bound(OperationKind::PendingCreate, &[(Field::Subject, text("e"))]) {
            Ok(Action::PendingCreate { pending_id, .. }) => pending_id,
            other => panic!("{other:?}"),
        };
        assert_ne!(id(), id());
        assert_eq!(id().expose().len(), 43);
    }
}
