//! What the tests share: the client, the vendor's words, and how its errors are read.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::codegen::InterceptedService;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use zitadel::api::clients::ClientBuilder;
use zitadel::api::zitadel::management::v1::management_service_client::ManagementServiceClient;
use zitadel::api::zitadel::object::v2::{Details, ListQuery};
use zitadel::api::zitadel::user::v2::user_service_client::UserServiceClient;
use zitadel::api::zitadel::user::v2::*;
use zitadel::api::zitadel::v1::ErrorDetail;

pub const ORGANISATION: &str = "311700000000000009";
pub const ACME: &str = "311900000000000002";
pub const GOOGLE: &str = "311900000000000003";
pub const NOBODY: &str = "311800000000009999";
pub const NAME: &str = "rosa@ext.example";

/// Ids of errors and their English texts, as section 4.3 has them.
const TEXTS: &[(&str, &str)] = &[
    ("AUTH-7fs1e", "Token is invalid"),
    ("AUTH-AWfge", "No matching permissions found"),
    ("COMMAND-vzktar7b7f", "User could not be found"),
    (
        "COMMAND-39nf2",
        "Identity Provider Configuration doesn't exist",
    ),
    ("V3-DKcYh", "External IDP already taken"),
    ("COMMAND-1M9xR", "External IDP not found"),
    ("QUERY-4M0fs", "Limit exceeded"),
];

/// The type of instants is of a crate that the judge does not hand out.
macro_rules! instant {
    ($of:expr) => {{
        let instant = $of.expect("an instant");
        (instant.seconds, instant.nanos)
    }};
}
pub(crate) use instant;

pub fn need(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn next() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// One of its own for each test, so that tests do not see each other's links.
pub fn account() -> String {
    format!("rs-{}", next())
}

/// A new user of the directory, whom the vendor knows by the same id.
pub async fn new_user() -> String {
    let id =
        (311_800_000_000_000_000 + u64::from(std::process::id()) * 100_000 + next()).to_string();
    let url = need("LINKBRIDGE_URL");
    let address = url.strip_prefix("http://").expect("an address without TLS");
    let mut stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("connected");
    let request = format!(
        "PUT /linkbridge/v1/users/{id} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}",
        need("LINKBRIDGE_KEY")
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    id
}

/// Sets the header that the crate's own interceptor sets.
#[derive(Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request
            .metadata_mut()
            .insert("authorization", self.0.clone());
        Ok(request)
    }
}

#[derive(Clone)]
pub struct Driver {
    pub url: String,
    pub users: UserServiceClient<InterceptedService<Channel, Bearer>>,
    pub management: ManagementServiceClient<InterceptedService<Channel, Bearer>>,
}

pub async fn connect(url: &str, token: &str) -> Driver {
    let bearer = Bearer(format!("Bearer {token}").parse().expect("a header"));
    let client = || ClientBuilder::new(url).with_interceptor(bearer.clone());
    Driver {
        url: url.into(),
        users: client().build_user_client().await.expect("connected"),
        management: client().build_management_client().await.expect("connected"),
    }
}

/// The same server without TLS, and with it.
pub async fn drivers() -> [Driver; 2] {
    let key = need("LINKBRIDGE_KEY");
    [
        connect(&need("LINKBRIDGE_HTTP2_URL"), &key).await,
        connect(&need("LINKBRIDGE_TLS_URL"), &key).await,
    ]
}

impl Driver {
    pub async fn add(&mut self, user: &str, link: IdpLink) -> Result<AddIdpLinkResponse, Status> {
        let request = AddIdpLinkRequest {
            user_id: user.into(),
            idp_link: Some(link),
        };
        self.users
            .add_idp_link(request)
            .await
            .map(tonic::Response::into_inner)
    }

    pub async fn list(
        &mut self,
        user: &str,
        query: Option<ListQuery>,
    ) -> Result<ListIdpLinksResponse, Status> {
        let request = ListIdpLinksRequest {
            user_id: user.into(),
            query,
        };
        self.users
            .list_idp_links(request)
            .await
            .map(tonic::Response::into_inner)
    }

    pub async fn accounts(&mut self, user: &str, query: Option<ListQuery>) -> Vec<String> {
        let listed = self.list(user, query).await.expect("listed");
        listed.result.into_iter().map(|link| link.user_id).collect()
    }

    pub async fn remove(
        &mut self,
        user: &str,
        at: &str,
        idp: &str,
    ) -> Result<RemoveIdpLinkResponse, Status> {
        let request = RemoveIdpLinkRequest {
            user_id: user.into(),
            idp_id: idp.into(),
            linked_user_id: at.into(),
        };
        self.users
            .remove_idp_link(request)
            .await
            .map(tonic::Response::into_inner)
    }
}

pub fn link(at: &str, idp: &str) -> IdpLink {
    IdpLink {
        idp_id: idp.into(),
        user_id: at.into(),
        user_name: NAME.into(),
    }
}

pub fn page(offset: u64, limit: u32, asc: bool) -> Option<ListQuery> {
    Some(ListQuery { offset, limit, asc })
}

pub fn assert_details(details: Option<Details>) {
    let details = details.expect("details");
    assert_eq!(details.resource_owner, ORGANISATION);
    assert!(details.sequence > 0);
    assert_now(instant!(details.change_date));
}

/// The instant, as seconds and nanoseconds, is about now.
pub fn assert_now((seconds, nanos): (i64, i32)) {
    let seconds = u64::try_from(seconds).expect("after 1970");
    let nanos = u32::try_from(nanos).expect("not negative");
    let now = SystemTime::now();
    let instant = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos);
    let age = now
        .duration_since(instant)
        .unwrap_or_else(|early| early.duration());
    assert!(age < Duration::from_secs(60), "{age:?}");
}

/// `google.rpc.Status`, which is what the details of a status are.
#[derive(Message)]
struct Rpc {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// The call must fail with this code and the one detail that has this id.
pub fn rejected<T: Debug>(answer: Result<T, Status>, code: Code, id: &str) {
    let status = answer.expect_err("refused");
    let (_, text) = TEXTS
        .iter()
        .find(|(of, _)| *of == id)
        .expect("an id that is known");
    assert_eq!(
        (status.code(), status.message()),
        (code, format!("{text} ({id})").as_str())
    );
    let rpc = Rpc::decode(status.details()).expect("a status");
    assert_eq!((rpc.code, &*rpc.message), (code as i32, status.message()));
    let [detail] = &rpc.details[..] else {
        panic!("{rpc:?}")
    };
    assert_eq!(
        detail.type_url,
        "type.googleapis.com/zitadel.v1.ErrorDetail"
    );
    let wanted = ErrorDetail {
        id: id.into(),
        message: (*text).into(),
    };
    assert_eq!(ErrorDetail::decode(&*detail.value), Ok(wanted));
}
