//! Spans and their attributes: closed lists, so that nothing gets into a trace that nobody has decided on.

use std::borrow::Cow;

use http::HeaderValue;

use super::context::{SpanId, TraceId};

/// What a span is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// The request.
    Server,
    /// Who is it, and may it come in.
    Admit,
    /// The body, from its first byte to its last.
    Body,
    /// From bytes to what is asked for.
    Decode,
    /// What is asked for, carried out by the backend.
    Backend,
    /// A call to an IdP with all its tries.
    Call,
    /// One try.
    Attempt,
    /// From an answer to its bytes.
    Encode,
    /// A request on its way to an origin.
    Passthrough,
}

impl Name {
    /// As it is told.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Server => "request",
            Self::Admit => "admit",
            Self::Body => "body",
            Self::Decode => "decode",
            Self::Backend => "backend",
            Self::Call => "upstream call",
            Self::Attempt => "upstream attempt",
            Self::Encode => "encode",
            Self::Passthrough => "passthrough",
        }
    }
}

/// Which side of a call a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Inside this process.
    Internal,
    /// A request that was served.
    Server,
    /// A request to somebody else.
    Client,
}

/// What may be said of a span: names of OpenTelemetry's conventions, and a few of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The method.
    Method,
    /// The template of the path.
    Route,
    /// The status that was answered.
    Status,
    /// `http` or `https`.
    Scheme,
    /// The host of whoever is called.
    ServerAddress,
    /// `1.1` or `2`.
    ProtocolVersion,
    /// What kind of failure it was.
    ErrorType,
    /// How many times this was tried before.
    Resend,
    /// The dialect.
    Front,
    /// The op.
    Op,
    /// The operation.
    Operation,
    /// The client's name.
    Client,
    /// The request's id.
    RequestId,
}

impl Key {
    /// As it is told.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Method => "http.request.method",
            Self::Route => "http.route",
            Self::Status => "http.response.status_code",
            Self::Scheme => "url.scheme",
            Self::ServerAddress => "server.address",
            Self::ProtocolVersion => "network.protocol.version",
            Self::ErrorType => "error.type",
            Self::Resend => "http.request.resend_count",
            Self::Front => "linkbridge.front",
            Self::Op => "linkbridge.op",
            Self::Operation => "linkbridge.operation",
            Self::Client => "linkbridge.client",
            Self::RequestId => "linkbridge.request_id",
        }
    }
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A word of the program.
    Word(&'static str),
    /// A text of the configuration or of a mapping.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
}

/// A span that is over.
#[derive(Clone, Debug)]
pub struct Span {
    /// Its id.
    pub id: SpanId,
    /// The one that it is within.
    pub within: Option<SpanId>,
    /// What it is about.
    pub name: Name,
    /// Which side it is.
    pub kind: Kind,
    /// When it began, in nanoseconds since 1970.
    pub start: u64,
    /// When it ended.
    pub end: u64,
    /// What is said of it.
    pub attributes: Vec<(Key, Value)>,
    /// Whether it failed.
    pub failed: bool,
}

/// What is recorded of one request.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The trace.
    pub trace: TraceId,
    /// What vendors have added to it.
    pub state: Option<HeaderValue>,
    /// The spans.
    pub spans: Vec<Span>,
    /// How many more there were.
    pub lost: u32,
}
