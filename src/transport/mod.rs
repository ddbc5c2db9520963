//! The framing of RPC protocols: Connect (unary), gRPC and gRPC-Web, the latter binary or as text.
//!
//! A call comes in as header fields and a whole body; [`message`] takes its one message out and
//! [`timeout`] says how long the client waits. [`answer`] and [`refuse`] frame what goes back. Of a stream
//! [`Messages`] takes them out one by one. What a message says, and which method it is for, is not known here.
//!
//! Sources: the Connect protocol reference, gRPC's PROTOCOL-HTTP2, PROTOCOL-WEB and compression
//! documents. Where they leave the code of a broken frame open, it is that of connect-go.

mod answer;
mod code;
mod compression;
mod frame;
mod protocol;
mod request;
mod status;
mod stream;
mod timeout;
mod web_text;

pub use answer::{Answer, answer, refuse};
pub use code::Code;
pub use protocol::{Codec, Protocol};
pub use request::message;
pub use status::{Detail, Status};
pub use stream::{Messages, framed, trailers};
pub use timeout::timeout;

#[cfg(test)]
mod tests;
