//! Users: putting them with documents, ids and links; listing them; their ids at vendors.

use super::{Binder, fault, invalid};
use crate::model::{
    Action, Alias, Failure, Field, PutMode, Record, Subject, UserId, VendorName, Which, Why,
};

impl Binder<'_> {
    /// A user who is put or made without an id gets a random one.
    pub(super) fn user_put(&self, mode: PutMode) -> Result<Action, Failure> {
        let user_id = match (&self.ids.user, mode) {
            (Some(user), _) => user.clone(),
            (None, PutMode::Update) => self.user()?,
            (None, _) => UserId::new(&uuid::Uuid::new_v4().to_string())
                .map_err(|f| fault(Field::UserId, f))?,
        };
        let ids = self.params.list(Field::Ids).unwrap_or_default().iter();
        let ids = ids
            .map(|alias| self.alias(alias))
            .collect::<Result<_, _>>()?;
        Ok(Action::UserPut {
            user_id,
            mode,
            document: self.document()?,
            ids,
            links: self.ids.links.clone(),
        })
    }

    /// Which users are meant: those who are named, the holder of an account, those of a name, or all.
    pub(super) fn user_list(&self) -> Result<Action, Failure> {
        let subject = self.params.text(Field::Subject);
        let which = match (&self.ids.users, &self.ids.provider, subject) {
            (Some(users), ..) => Which::Ids(users.clone()),
            (None, Some(provider_id), Some(subject)) => Which::Holder {
                provider_id: provider_id.clone(),
                // Nobody has an account that cannot be linked.
                subject: Subject::new(subject).map_err(|_| Failure::LinkNotFound)?,
            },
            (None, Some(_), None) => return Err(invalid(Field::Subject, Why::Missing, None)),
            (None, None, Some(_)) => return Err(invalid(Field::ProviderId, Why::Missing, None)),
            (None, None, None) => self.text(Field::Username).map_or(Which::All, Which::Named),
        };
        Ok(Action::UserList {
            which,
            after: self.ids.after.clone(),
            page: self.page()?,
            links: self.with_links,
        })
    }

    pub(super) fn user_alias(&self) -> Result<Action, Failure> {
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
                .ok_or_else(|| invalid(field, Why::Missing, None))
        };
        let vendor = VendorName::new(text(Field::Vendor)?).map_err(|f| fault(Field::Vendor, f))?;
        // An alias at a misspelled vendor would be kept, and never be found again.
        if !self.directory.knows_vendor(&vendor) {
            return Err(invalid(Field::Vendor, Why::UnknownValue, None));
        }
        // A vendor's id obeys the same rules as a canonical one: it must compare byte for byte.
        let vendor_id = text(Field::VendorId)?;
        UserId::new(vendor_id).map_err(|f| fault(Field::VendorId, f))?;
        Ok(Alias {
            vendor,
            vendor_id: vendor_id.to_owned(),
        })
    }
}
