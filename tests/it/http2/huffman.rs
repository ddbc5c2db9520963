//! The Huffman code of RFC 7541, appendix B. It is canonical: the lengths alone say every code.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The length of the code of each byte, and of the end of a string, in bits.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5,
    5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6,
    6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
    23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22,
    21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20,
    22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19,
    21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22,
    22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

/// The code of each symbol.
static CODES: LazyLock<[u32; 257]> = LazyLock::new(|| {
    let mut symbols: Vec<usize> = (0..257).collect();
    symbols.sort_by_key(|&symbol| (LENGTHS[symbol], symbol));
    let (mut codes, mut code, mut length) = ([0; 257], 0, 0);
    for symbol in symbols {
        code <<= LENGTHS[symbol] - length;
        length = LENGTHS[symbol];
        codes[symbol] = code;
        code += 1;
    }
    codes
});

/// Which symbol a code of a length is.
static SYMBOLS: LazyLock<BTreeMap<(u8, u32), usize>> = LazyLock::new(|| {
    let all = CODES.iter().enumerate();
    all.map(|(symbol, &code)| ((LENGTHS[symbol], code), symbol))
        .collect()
});

pub(super) fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut bits = Vec::new();
    for &byte in bytes {
        let (length, code) = (LENGTHS[usize::from(byte)], CODES[usize::from(byte)]);
        bits.extend((0..length).rev().map(|i| code >> i & 1 == 1));
    }
    bits.resize(bits.len().next_multiple_of(8), true);
    let octet = |eight: &[bool]| eight.iter().fold(0, |all, &bit| all << 1 | u8::from(bit));
    bits.chunks(8).map(octet).collect()
}

pub(super) fn decode(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let (mut out, mut length, mut code) = (Vec::new(), 0, 0);
    for bit in bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |i| byte >> i & 1))
    {
        (length, code) = (length + 1, code << 1 | u32::from(bit));
        match SYMBOLS.get(&(length, code)) {
            Some(256) => return Err("the end of a string within one".to_owned()),
            Some(&symbol) => {
                out.push(u8::try_from(symbol).unwrap());
                (length, code) = (0, 0);
            }
            None if length > 30 => return Err("no code".to_owned()),
            None => {}
        }
    }
    match length {
        0..8 if code == (1 << length) - 1 => Ok(out),
        _ => Err("bad padding".to_owned()),
    }
}
