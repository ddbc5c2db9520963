//! The filter in front of HTTP/1: what it refuses never reaches the HTTP library.
//!
//! It sees every byte of a connection first, follows the framing of its messages, and lets pass, byte for
//! byte, what has one reading by RFC 9112 and nothing else. The library behind it forgives a lot (bare line
//! feeds, two `Host`s, a length beside a coding, extensions of chunks), and whatever one program forgives and
//! the next one does not is a request that the two of them read differently.
//!
//! All of it is pure: no I/O, no clock, no allocation. It remembers a few numbers for each connection. A head
//! is looked at where it stands in its buffer and passes as a whole; a body passes as it comes.

mod bytes;
mod chunked;
mod counts;
mod fault;
mod filter;
mod head;
mod request;

#[cfg(test)]
mod tests;

pub use self::counts::Counts;
pub use self::fault::{Fault, Refusal};
pub use self::filter::{Filter, Limits};
