//! Remote procedure calls in the walk: which path and content type are one, and how what comes of it goes
//! back. Between the two a call is a request like any other; its answer becomes a message, and its failure,
//! which the dialect words as `google.rpc.Status`, the status of the protocol.

use http::header::{ALLOW, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};

use super::front::Front;
use crate::dialect::{Dialect, RpcCall, RpcCalled};
use crate::model::Response;
use crate::transport::{self, Answer, Code, Codec, Detail, Protocol, Status};

/// How a call came, and what its answer is made with.
#[derive(Clone, Copy)]
pub(super) struct Wire<'f> {
    pub(super) protocol: Protocol,
    pub(super) dialect: &'f Dialect,
    /// The call, if it means an op.
    pub(super) call: Option<RpcCall<'f>>,
}

/// What a path is, where it may be that of a call.
pub(super) enum Found<'f> {
    /// A call of the front at this place in the list, which means an op.
    Call(usize, RpcCall<'f>, Wire<'f>),
    /// Server reflection, a stream; the front is the first that has it.
    Reflection(usize, Wire<'f>),
    /// A call that nobody serves, with what is said to that.
    Unserved(usize, Wire<'f>, Response),
    /// A request that is no call, to a path that only calls have.
    Refused(usize, Response),
    /// None.
    Nothing,
}

/// Looks whether a request is a call.
pub(super) fn find<'f>(fronts: &'f [Front], host: &str, parts: &Parts) -> Found<'f> {
    let path = parts.uri.path();
    // A service's name, which stands before the method's, has points in it. That saves most paths the look.
    if !path
        .rsplit('/')
        .nth(1)
        .is_some_and(|service| service.contains('.'))
    {
        return Found::Nothing;
    }
    let content_type = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let protocol = content_type.and_then(Protocol::named);
    if let Some((index, front)) = reflecting(fronts, host, path) {
        return match met(index, &front.dialect, None, protocol, parts) {
            // gRPC-Web cannot stream both ways.
            Found::Unserved(index, wire, _) if wire.protocol == Protocol::Grpc(Codec::Proto) => {
                Found::Reflection(index, wire)
            }
            other => other,
        };
    }
    let mut stranger = None;
    for (index, front) in fronts.iter().enumerate() {
        let dialect = &*front.dialect;
        let Some(below) = front.path_below(host, path) else {
            continue;
        };
        if dialect.rpc_protocols().is_empty() {
            continue;
        }
        match dialect.call(below) {
            RpcCalled::Method(call) => return met(index, dialect, Some(call), protocol, parts),
            RpcCalled::Unserved => return met(index, dialect, None, protocol, parts),
            RpcCalled::Unknown => stranger = stranger.or(Some((index, dialect))),
        }
    }
    // Whoever speaks gRPC reads no other answer, also from a service that nobody has.
    match (stranger, protocol) {
        (Some((index, dialect)), Some(Protocol::Grpc(_) | Protocol::GrpcWeb(_)))
            if parts.method == Method::POST =>
        {
            met(index, dialect, None, protocol, parts)
        }
        _ => Found::Nothing,
    }
}

/// The first front that has server reflection at this path.
fn reflecting<'f>(fronts: &'f [Front], host: &str, path: &str) -> Option<(usize, &'f Front)> {
    let mut fronts = fronts.iter().enumerate();
    fronts.find(|(_, front)| front.reflects(host, path))
}

/// A path of calls: is the request one, and one that this front understands?
fn met<'f>(
    index: usize,
    dialect: &'f Dialect,
    call: Option<RpcCall<'f>>,
    protocol: Option<Protocol>,
    parts: &Parts,
) -> Found<'f> {
    let spoken = dialect.rpc_protocols();
    let protocol = protocol.filter(|p| spoken.iter().any(|word| word == p.name()));
    if parts.method != Method::POST {
        return Found::Refused(index, bare(405, (ALLOW, "POST")));
    }
    let Some(protocol) = protocol else {
        let accepted = (HeaderName::from_static("accept-post"), ACCEPTED);
        return Found::Refused(index, bare(415, accepted));
    };
    if matches!(protocol, Protocol::Grpc(_)) && parts.version < Version::HTTP_2 {
        return Found::Refused(index, bare(505, (CONTENT_TYPE, "application/grpc")));
    }
    let wire = Wire {
        protocol,
        dialect,
        call,
    };
    match (call, protocol) {
        (Some(call), _) => Found::Call(index, call, wire),
        // Clients of Connect read this as unimplemented.
        (None, Protocol::Connect(_)) => Found::Refused(index, bare(404, (ALLOW, "POST"))),
        (None, _) => {
            let name = parts.uri.path().rsplit('/').next().unwrap_or_default();
            let status = Status::new(
                Code::Unimplemented,
                format!("method {name} not implemented"),
            );
            Found::Unserved(index, wire, told(&status))
        }
    }
}

/// What a client may send instead.
const ACCEPTED: &str =
    "application/json, application/proto, application/grpc, application/grpc-web";

/// An answer without a body.
fn bare(status: u16, (name, value): (HeaderName, &'static str)) -> Response {
    let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
    Response {
        status,
        headers,
        body: Vec::new(),
    }
}

/// A status of the framing as dialects word theirs.
pub(super) fn told(status: &Status) -> Response {
    let body = serde_json::json!({ "code": status.code.number(), "message": status.message });
    Response {
        status: status.code.http_status(),
        headers: HeaderMap::new(),
        body: body.to_string().into_bytes(),
    }
}

impl Wire<'_> {
    /// What came of the call, in its protocol's frames. `replied`: it was carried out, and this is its answer.
    pub(super) fn framed(&self, response: Response, replied: bool) -> Answer {
        let is_answer = replied && self.call.is_some_and(|call| call.tells(response.status));
        if response.status >= 400 && !is_answer {
            return self.refused(response);
        }
        let message = match (self.protocol.codec(), self.call) {
            (Codec::Proto, Some(call)) => call.encode_binary(&response),
            _ => Some(response.body),
        };
        match message {
            Some(message) => transport::answer(self.protocol, response.headers, message),
            None => {
                tracing::error!("an answer does not fit the message of its call");
                let status = Status::new(Code::Unknown, "the answer cannot be told");
                transport::refuse(self.protocol, response.headers, &status)
            }
        }
    }

    fn refused(&self, response: Response) -> Answer {
        let told = self.dialect.rpc_status(&response);
        let number = told.code.and_then(|code| u8::try_from(code).ok());
        let detail = |(type_name, value)| Detail { type_name, value };
        let status = Status {
            code: number
                .and_then(Code::from_number)
                .unwrap_or(by_status(response.status)),
            message: told.message,
            details: told.details.into_iter().map(detail).collect(),
        };
        transport::refuse(self.protocol, response.headers, &status)
    }
}

/// The code of an answer that has none: the table of gRPC's `http-grpc-status-mapping`.
fn by_status(status: u16) -> Code {
    match status {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}
