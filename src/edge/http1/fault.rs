//! Why a message is refused, and the answer that says so.

/// What is wrong with what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A line feed without its carriage return.
    BareLineFeed,
    /// A carriage return without its line feed.
    BareCarriageReturn,
    /// A control character.
    Control,
    /// More than one empty line before a request.
    EmptyLines,
    /// No method, target and version with one space between them each.
    RequestLine,
    /// A target that is none.
    Target,
    /// A version other than HTTP/1.1 and HTTP/1.0.
    Version,
    /// CONNECT: nothing is ever tunnelled.
    Connect,
    /// A method longer than any.
    Method,
    /// A target over the limit.
    TargetTooLong,
    /// A head over the limit.
    HeadTooLarge,
    /// A field over the limit.
    FieldTooLong,
    /// More fields than the limit.
    TooManyFields,
    /// A line that begins with white space: a field that goes on, which RFC 9112 has done away with.
    Folded,
    /// No colon, or a name that is none: also one with white space before the colon.
    FieldName,
    /// No `Host`, several, or one that is no host.
    Host,
    /// A target that names another host than `Host`.
    ForeignTarget,
    /// A `Content-Length` that is no plain number, or a second one.
    Length,
    /// A `Content-Length` and a `Transfer-Encoding`.
    LengthAndCoding,
    /// A `Transfer-Encoding` that does not end with `chunked`, or one in HTTP/1.0, which has none.
    Coding,
    /// A coding besides one `chunked`.
    UnknownCoding,
    /// An expectation other than `100-continue`.
    Expectation,
    /// A head that did not come in time.
    HeadTooSlow,
    /// A chunk whose size or end is not exactly that.
    Chunk,
    /// A trailer that is no field, too large, or one that no trailer may be.
    Trailer,
}

impl Fault {
    /// The status that says so.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Fault::Connect => 405,
            Fault::HeadTooSlow => 408,
            Fault::TargetTooLong => 414,
            Fault::Expectation => 417,
            Fault::ForeignTarget => 421,
            Fault::HeadTooLarge | Fault::FieldTooLong | Fault::TooManyFields => 431,
            Fault::UnknownCoding | Fault::Method => 501,
            Fault::Version => 505,
            _ => 400,
        }
    }

    /// Whether it is found in a body. Its head has gone on then, and whoever reads the body has the last word.
    #[must_use]
    pub fn is_in_body(self) -> bool {
        matches!(self, Fault::Chunk | Fault::Trailer)
    }

    /// What is wrong, in a sentence.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Fault::BareLineFeed => "A line ends without a carriage return.",
            Fault::BareCarriageReturn => "A carriage return stands alone.",
            Fault::Control => "The head holds a control character.",
            Fault::EmptyLines => "Empty lines stand before the request.",
            Fault::RequestLine => "The first line is not a method, a target and a version.",
            Fault::Target => "The target is malformed.",
            Fault::Version => "The versions spoken here are HTTP/1.1 and HTTP/1.0.",
            Fault::Connect => "Nothing is tunnelled here.",
            Fault::Method => "The method is not known.",
            Fault::TargetTooLong => "The target is too long.",
            Fault::HeadTooLarge => "The head is too large.",
            Fault::FieldTooLong => "A header field is too long.",
            Fault::TooManyFields => "There are too many header fields.",
            Fault::Folded => "A line of the head begins with white space.",
            Fault::FieldName => "A line of the head is no field.",
            Fault::Host => "The request needs exactly one valid Host.",
            Fault::ForeignTarget => "The target names another host.",
            Fault::Length => "The Content-Length is not one plain number.",
            Fault::LengthAndCoding => "There are a Content-Length and a Transfer-Encoding.",
            Fault::Coding => "The Transfer-Encoding does not tell where the body ends.",
            Fault::UnknownCoding => "The only transfer coding that is read is chunked.",
            Fault::Expectation => "The expectation is not known.",
            Fault::HeadTooSlow => "The head of the request came too slowly.",
            Fault::Chunk => "A chunk is malformed.",
            Fault::Trailer => "A trailer is malformed, or none that may be sent.",
        }
    }

    fn title(self) -> &'static str {
        match self.status() {
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            414 => "URI Too Long",
            417 => "Expectation Failed",
            421 => "Misdirected Request",
            431 => "Request Header Fields Too Large",
            501 => "Not Implemented",
            505 => "HTTP Version Not Supported",
            _ => "Bad Request",
        }
    }
}

/// A message that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong with it.
    pub fault: Fault,
    /// Whether it is known to be a HEAD, whose answer has no body.
    pub is_head: bool,
}

impl Refusal {
    /// The whole answer: a problem of RFC 9457, the last one of its connection. `date` is that of HTTP.
    #[must_use]
    pub fn answer(&self, date: &str) -> Vec<u8> {
        let (status, title) = (self.fault.status(), self.fault.title());
        let detail = self.fault.message();
        // No text here needs an escape in JSON.
        let body = format!(
            "{{\"type\":\"about:blank\",\"title\":\"{title}\",\"status\":{status},\"detail\":\"{detail}\"}}"
        );
        let allow = match self.fault {
            Fault::Connect => "Allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n",
            _ => "",
        };
        let sent = if self.is_head { "" } else { &body };
        format!(
            "HTTP/1.1 {status} {title}\r\nContent-Type: application/problem+json\r\n{allow}\
             X-Content-Type-Options: nosniff\r\nContent-Length: {}\r\nConnection: close\r\n\
             Date: {date}\r\n\r\n{sent}",
            body.len()
        )
        .into_bytes()
    }
}
