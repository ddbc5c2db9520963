//! What can be said of a dialect and of its ops without a request.

use super::{Dialect, OpId, Settings, Tenants, option, uses};
use crate::mapping::check;
use crate::mapping::plan::{Auth, PageRule};
use crate::model::{Field, OperationKind, Rules, VendorName};

impl Dialect {
    /// The dialect's name: that of its mapping file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// Whose ids it speaks.
    #[must_use]
    pub fn vendor(&self) -> &VendorName {
        &self.plan.vendor
    }

    /// The digest of the mapping: what the dialect is made of, whatever it is called.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.plan.digest
    }

    /// The field of answers in which the vendor says what it calls the request, if the mapping tells one.
    #[must_use]
    pub fn request_id_header(&self) -> Option<&http::HeaderName> {
        let mut rows = self.plan.response_headers.iter();
        let row = rows.find(|(_, row)| row.fields.contains(&Field::RequestId));
        row.map(|(name, _)| name)
    }

    /// The rules that travel in each operation of this front.
    #[must_use]
    pub fn rules(&self, settings: &Settings) -> Rules {
        self.plan
            .rules
            .with(|name| option(&self.plan, settings, name))
    }

    /// Whether some row of the dialect speaks of the field: in a request, an answer, an error, a header or
    /// a condition.
    #[must_use]
    pub fn uses(&self, field: Field) -> bool {
        self.used.contains(&field)
    }

    /// What the requests that are sent to an IdP say of tenants.
    #[must_use]
    pub fn tenants(&self) -> Tenants {
        uses::tenants(&self.plan)
    }

    /// What the op does.
    #[must_use]
    pub fn operation(&self, op: OpId) -> OperationKind {
        self.op(op).does
    }

    /// The op's name in the mapping.
    #[must_use]
    pub fn op_name(&self, op: OpId) -> &str {
        &self.op(op).name
    }

    /// Whether the op wants a credential.
    #[must_use]
    pub fn auth(&self, op: OpId) -> Auth {
        self.op(op).auth
    }

    /// How many seconds a token lives that the op issues, if it issues tokens.
    #[must_use]
    pub fn lifetime(&self, op: OpId) -> Option<u32> {
        self.op(op).lifetime
    }

    /// How the op's list is cut, if it is.
    #[must_use]
    pub fn page(&self, op: OpId) -> Option<&PageRule> {
        self.op(op).page.as_ref()
    }

    /// The members of a user's document that the op's request speaks of; none if it has the document as
    /// a whole, or not at all.
    #[must_use]
    pub fn members(&self, op: OpId) -> &[String] {
        &self.op(op).members
    }

    /// Whether some row of the op's answer tells the field, wherever it stands.
    #[must_use]
    pub fn answers(&self, op: OpId, field: Field) -> bool {
        check::tells(&self.op(op).answer.tree, field)
    }
}
