//! The closed list of canonical fields: the names that the rows of a mapping may use.

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Unicode text.
    Text,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// Milliseconds since the Unix epoch.
    Instant,
    /// A JSON document kept as it was put.
    Json,
    /// One nested record.
    Record,
    /// A list of nested records.
    List,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal : $kind:ident),* $(,)?) => {
        /// A canonical field of a record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field { $($(#[$doc])* $variant),* }

        impl Field {
            /// Every field.
            pub const ALL: &'static [Field] = &[$(Field::$variant),*];

            /// The name that mappings use.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Field::$variant => $name),* }
            }

            /// What the field holds.
            #[must_use]
            pub fn kind(self) -> FieldType {
                match self { $(Field::$variant => FieldType::$kind),* }
            }

            /// The field of this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Field> {
                match name { $($name => Some(Field::$variant),)* _ => None }
            }
        }
    };
}

fields! {
    /// The vendor's id of the tenant.
    Tenant = "tenant": Text,
    /// The vendor's id of the user.
    UserId = "user_id": Text,
    /// The vendor's id of the provider.
    ProviderId = "provider_id": Text,
    /// The account at the provider.
    Subject = "subject": Text,
    /// The name shown for a link.
    DisplayName = "display_name": Text,
    /// The token of a link; a secret.
    Token = "token": Text,
    /// The id of a link.
    LinkId = "link_id": Text,
    /// The id of a pending link; a secret.
    PendingId = "pending_id": Text,
    /// An e-mail address known of a pending link.
    Email = "email": Text,
    /// The text by which other systems know a user.
    ExternalId = "external_id": Text,
    /// A user name known of a pending link.
    Username = "username": Text,
    /// When a link or user was made.
    CreatedAt = "created_at": Instant,
    /// When a link or user was last changed.
    UpdatedAt = "updated_at": Instant,
    /// When the link was last used to log in.
    LastLoginAt = "last_login_at": Instant,
    /// When a pending link ends.
    ExpiresAt = "expires_at": Instant,
    /// The per-user revision of a write.
    Revision = "revision": Int,
    /// The display name of a provider.
    ProviderName = "provider_name": Text,
    /// The canonical kind of a provider.
    ProviderKind = "provider_kind": Text,
    /// Whether a provider may be linked.
    Enabled = "enabled": Bool,
    /// A mail domain that a provider is responsible for.
    Domain = "domain": Text,
    /// How many links the user has at the provider of a pending link.
    LinkCount = "link_count": Int,
    /// Whether the tenant limits the links of a user at a provider.
    LimitEnabled = "limit_enabled": Bool,
    /// The most links a user may have at a provider.
    LimitMax = "limit_max": Int,
    /// `refuse` or `all`: what a delete does when several links fit.
    Many = "many": Text,
    /// `oidc` or `saml`: what the kind of a provider belongs to.
    Protocol = "protocol": Text,
    /// A user's links, in one record for each protocol.
    Credentials = "credentials": List,
    /// The name of an attribute of a user: a dotted path.
    Attribute = "attribute": Text,
    /// The value of an attribute.
    AttributeValue = "attribute_value": Json,
    /// `always` or `if_empty`: when an attribute is written.
    AttributeUpdate = "attribute_update": Text,
    /// Attributes that are written along with a link.
    Attributes = "attributes": List,
    /// Changes of a user's document, as JSON Patch.
    Patch = "patch": Json,
    /// What is to be told besides: words, separated by blanks.
    Expand = "expand": Text,
    /// Which vendor an id belongs to.
    Vendor = "vendor": Text,
    /// A user's id at that vendor.
    VendorId = "vendor_id": Text,
    /// Whether an alias may be moved to another user.
    Rebind = "rebind": Bool,
    /// Why an alias is moved.
    Reason = "reason": Text,
    /// What a vendor's user object carries beyond links.
    Document = "document": Json,
    /// How many records of a list to skip.
    PageOffset = "page.offset": Int,
    /// How many records of a list to answer.
    PageLimit = "page.limit": Int,
    /// The user after whom a page begins.
    PageAfter = "page.after": Text,
    /// The user after whom the next page begins, if there is one.
    PageNext = "page.next": Text,
    /// How many records there are in all.
    Total = "meta.total": Int,
    /// When the request was carried out.
    CarriedOutAt = "meta.at": Instant,
    /// `created`, `existed`, `found`, `ready`, `unready` or `refused`.
    Outcome = "outcome": Text,
    /// What a request holds that are several in one: each is carried out for itself.
    Items = "items": List,
    /// What the client calls one of them.
    ItemId = "item_id": Text,
    /// Whether linkbridge can serve.
    Ready = "ready": Bool,
    /// One link.
    Link = "link": Record,
    /// Several links.
    Links = "links": List,
    /// One pending link.
    Pending = "pending": Record,
    /// One provider.
    Provider = "provider": Record,
    /// Several providers.
    Providers = "providers": List,
    /// One user.
    User = "user": Record,
    /// Several users.
    Users = "users": List,
    /// A user's ids per vendor.
    Ids = "ids": List,
    /// The kind of a failure.
    Kind = "kind": Text,
    /// A sentence about a failure or a problem, in our own words.
    Message = "message": Text,
    /// The problems of an invalid request.
    Problems = "problems": List,
    /// Where in its place a problem is: a dotted path, a parameter's or header's name.
    At = "at": Text,
    /// `body`, `query`, `path` or `header`.
    Place = "place": Text,
    /// Why a value is refused.
    Why = "why": Text,
    /// The canonical field that a problem is about.
    FieldName = "field": Text,
    /// The most that is allowed.
    Max = "max": Int,
    /// The media type that was given.
    Given = "given": Text,
    /// The methods that a path allows, comma separated.
    Allow = "allow": Text,
    /// Seconds after which a try may succeed.
    RetryAfter = "retry_after": Int,
    /// Number of an internal error, also found in the log.
    Incident = "incident": Text,
    /// The canonical operation.
    Operation = "operation": Text,
    /// What kind of thing a request names, as the client spells it: for answers that repeat it.
    AskedKind = "asked.kind": Text,
    /// What a request names, as the client spells it: for answers that repeat it.
    AskedId = "asked.id": Text,
    /// The id that linkbridge gives to a request.
    RequestId = "request_id": Text,
    /// The id that the client gives to its request.
    ClientRequestId = "client_request_id": Text,
    /// The id that the client gives to the session of its request.
    ClientSessionId = "client_session_id": Text,
    /// The media types that the client accepts, as it says them.
    Accept = "accept": Text,
    /// `absent`, `odd` or `given`: what the request has where the credential is looked for.
    Credential = "credential": Text,
    /// How a client asks for a token: `client_credentials` or `jwt_bearer`.
    GrantType = "grant_type": Text,
    /// The name under which a client asks for a token.
    ClientId = "client_id": Text,
    /// What the client proves it with; a secret.
    ClientSecret = "client_secret": Text,
    /// A signed statement that stands for a secret; a secret itself while it lasts.
    Assertion = "assertion": Text,
    /// What a token is asked for, in the vendor's words.
    TokenScope = "token_scope": Text,
    /// The token that a client gets; a secret.
    AccessToken = "access_token": Text,
    /// How many seconds a token lives.
    ExpiresIn = "expires_in": Int,
    /// How many requests the nearest rate limit allows in its window.
    RateQuota = "rate.quota": Int,
    /// That window, in seconds.
    RateWindow = "rate.window": Int,
    /// How many more it lets in now.
    RateRemaining = "rate.remaining": Int,
    /// In how many seconds it lets in more than that.
    RateReset = "rate.reset": Int,
}

impl Field {
    /// Whether the field says something of the request beside what it asks for: no operation depends on it.
    #[must_use]
    pub fn is_beside(self) -> bool {
        matches!(
            self,
            Field::RequestId
                | Field::ClientRequestId
                | Field::ClientSessionId
                | Field::Accept
                | Field::Credential
                | Field::AskedKind
                | Field::AskedId
                | Field::RateQuota
                | Field::RateWindow
                | Field::RateRemaining
                | Field::RateReset
        )
    }

    /// Whether the value must not appear in logs or in answers to clients without the scope.
    #[must_use]
    pub fn is_secret(self) -> bool {
        matches!(
            self,
            Field::Token
                | Field::PendingId
                | Field::ClientSecret
                | Field::Assertion
                | Field::AccessToken
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_field() {
        for field in Field::ALL {
            assert_eq!(Field::named(field.name()), Some(*field));
        }
    }
}
