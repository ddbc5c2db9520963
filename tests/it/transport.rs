//! The framing of RPC protocols, against the data of `tests/transport/`: specifications, what servers of the
//! same protocols answer, and frames made with a vendor's own descriptors.

mod answers;
mod requests;

use http::HeaderMap;
use linkbridge::transport::{Codec, Protocol};
use toml::Table;

const ALL: [Protocol; 8] = [
    Protocol::Connect(Codec::Json),
    Protocol::Connect(Codec::Proto),
    Protocol::Grpc(Codec::Json),
    Protocol::Grpc(Codec::Proto),
    Protocol::GrpcWeb(Codec::Json),
    Protocol::GrpcWeb(Codec::Proto),
    Protocol::GrpcWebText(Codec::Json),
    Protocol::GrpcWebText(Codec::Proto),
];

fn read(text: &str) -> Table {
    text.parse().unwrap()
}

fn text<'a>(table: &'a Table, key: &str) -> &'a str {
    table[key].as_str().unwrap()
}

fn unhex(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

fn field<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}
