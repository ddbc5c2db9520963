//! What the model is about: links, pending links, providers and users.

use super::{
    ClientName, Instant, LinkId, ProviderId, Secret, Subject, TenantId, UserId, VendorName,
};

/// Who (user) is which account (subject) at which external provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Stable id, derived from the four below.
    pub link_id: LinkId,
    /// Whose user.
    pub tenant: TenantId,
    /// The user.
    pub user_id: UserId,
    /// The external provider.
    pub provider_id: ProviderId,
    /// The account there.
    pub subject: Subject,
    /// A name to show.
    pub display_name: Option<String>,
    /// The provider's token, encrypted at rest.
    pub token: Option<Secret>,
    /// When the link was made; `None` if the IdP that keeps it does not say.
    pub created_at: Option<Instant>,
    /// When it was last changed; `None` as above.
    pub updated_at: Option<Instant>,
    /// When it was last used to log in; `None` if that is not known.
    pub last_login_at: Option<Instant>,
    /// The user's revision at the last change.
    pub revision: u64,
}

/// A link that still waits for its user.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingLink {
    /// Whose user it may be completed for.
    pub tenant: TenantId,
    /// The client that made it.
    pub client: ClientName,
    /// The external provider.
    pub provider_id: ProviderId,
    /// The account there.
    pub subject: Subject,
    /// A name to show.
    pub display_name: Option<String>,
    /// The account's e-mail address, if the provider told it.
    pub email: Option<String>,
    /// The account's user name, if the provider told it.
    pub username: Option<String>,
    /// The provider's token, for the link to come.
    pub token: Option<Secret>,
    /// When it ends.
    pub expires_at: Instant,
}

/// A user's id at one vendor.
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    /// The vendor.
    pub vendor: VendorName,
    /// The id there.
    pub vendor_id: String,
}

/// The longest document of a user, in bytes of JSON.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// A user of the directory.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Canonical id.
    pub user_id: UserId,
    /// Whose user.
    pub tenant: TenantId,
    /// Ids per vendor.
    pub ids: Vec<Alias>,
    /// What a vendor's user object carries beyond links: JSON text, kept as it was put.
    pub document: Option<String>,
    /// When the user was first put; `None` if the IdP that keeps the user does not say.
    pub created_at: Option<Instant>,
    /// When the user was last changed; `None` as above.
    pub updated_at: Option<Instant>,
    /// Counts every write that concerns the user.
    pub revision: u64,
}

/// An external identity provider, as the directory knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Provider {
    /// Canonical key.
    pub provider_id: ProviderId,
    /// Name to show.
    pub name: String,
    /// What speaks there.
    pub kind: ProviderKind,
    /// Whether it may be linked.
    pub enabled: bool,
    /// The only tenant that may use it, if it is not everybody's.
    pub tenant: Option<TenantId>,
    /// Mail domains it is responsible for.
    pub domains: Vec<String>,
    /// Its ids per vendor.
    pub ids: Vec<Alias>,
}

macro_rules! provider_kinds {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// What speaks at a provider's end: a closed list that mappings translate.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each variant is the name of a public service or protocol")]
        pub enum ProviderKind { $($variant),* }

        impl ProviderKind {
            /// Every kind.
            pub const ALL: &'static [ProviderKind] = &[$(ProviderKind::$variant),*];
            /// The word that mappings and the configuration use.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(ProviderKind::$variant => $name),* }
            }
            /// The kind of this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(ProviderKind::$variant),)* _ => None }
            }
        }
    };
}

provider_kinds! {
    Amazon = "amazon",
    Apple = "apple",
    AzureAd = "azure_ad",
    EpicGames = "epic_games",
    ExternalJwt = "external_jwt",
    Facebook = "facebook",
    Github = "github",
    GithubEnterprise = "github_enterprise",
    Gitlab = "gitlab",
    GitlabSelfHosted = "gitlab_self_hosted",
    Google = "google",
    Hypr = "hypr",
    Ldap = "ldap",
    LinkedIn = "linkedin",
    Microsoft = "microsoft",
    Nintendo = "nintendo",
    Oauth2 = "oauth2",
    Oidc = "oidc",
    Paypal = "paypal",
    Saml = "saml",
    SamlIdpInitiated = "saml_idp_initiated",
    SonyPsn = "sony_psn",
    Steam = "steam",
    Twitch = "twitch",
    Twitter = "twitter",
    Xbox = "xbox",
    Yahoo = "yahoo",
}

/// The family of protocols that a kind of provider belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `OpenID` Connect, and everything else that hands over an account by its id.
    Oidc,
    /// SAML.
    Saml,
}

impl Protocol {
    /// Every protocol, in the order in which they are told.
    pub const ALL: &'static [Protocol] = &[Protocol::Oidc, Protocol::Saml];

    /// The word that mappings use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Oidc => "oidc",
            Protocol::Saml => "saml",
        }
    }

    /// The protocol of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|p| p.name() == name)
    }
}

impl ProviderKind {
    /// The family of protocols that the kind belongs to.
    #[must_use]
    pub fn protocol(self) -> Protocol {
        match self {
            ProviderKind::Saml | ProviderKind::SamlIdpInitiated => Protocol::Saml,
            _ => Protocol::Oidc,
        }
    }
}
