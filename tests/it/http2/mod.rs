//! HTTP/2 against the real binary, frame by frame: what the RFCs demand, and what nobody should send.
//!
//! The cases are data, in `tests/http2`; the notation is described in `script`. Frames and fields are written and read by
//! code of these tests, not by the library that the server uses.

mod abuse;
mod case;
mod conformance;
mod downgrade;
mod frames;
mod hpack;
mod huffman;
mod place;
mod script;
mod wire;
