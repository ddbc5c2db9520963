//! Any bytes in any pieces: what passes the filter of HTTP/1 is their beginning, in whole heads; pieces make no
//! difference; and a head that has passed is refused by nobody behind it for its syntax.
//!
//! The input's first byte chooses how it is cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use linkbridge::edge::http1::{Fault, Filter, Limits};

const LIMITS: Limits = Limits {
    head_bytes: 1024,
    fields: 16,
    target_bytes: 256,
    field_bytes: 256,
};

fuzz_target!(|data: &[u8]| {
    let Some((&cut, bytes)) = data.split_first() else { return };
    let whole = run(bytes, bytes.len().max(1));
    assert_eq!(whole, run(bytes, usize::from(cut % 17) + 1));
    let (passed, heads, fault) = whole;
    // The one byte that may change is the last one of the name of a field Upgrade.
    assert!(passed.len() <= bytes.len());
    let same = |(to, from): (&u8, &u8)| to == from || (*to == b'_' && from.eq_ignore_ascii_case(&b'e'));
    assert!(passed.iter().zip(bytes).all(same));
    assert!(heads > 0 || passed.is_empty());
    if let Some(fault) = fault {
        assert!((400..=505).contains(&fault.status()) && !fault.message().is_empty());
    } else if heads > 0 {
        // A head that has passed has line ends of one kind only.
        let head = passed.windows(4).position(|four| four == b"\r\n\r\n").expect("a head ends");
        let text = &passed[..head];
        for (at, byte) in text.iter().enumerate() {
            assert!(*byte != b'\n' || at > 0 && text[at - 1] == b'\r');
            assert!(*byte != b'\r' || text.get(at + 1) == Some(&b'\n'));
            assert!(*byte != 0);
        }
    }
});

fn run(bytes: &[u8], piece: usize) -> (Vec<u8>, u64, Option<Fault>) {
    let mut filter = Filter::new(LIMITS);
    let (mut window, mut passed) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(piece) {
        window.extend_from_slice(piece);
        let count = filter.look(&mut window);
        assert!(count <= window.len());
        passed.extend(window.drain(..count));
        // What is held is at most one head.
        assert!(filter.refusal().is_some() || window.len() <= LIMITS.head_bytes);
    }
    (passed, filter.heads(), filter.refusal().map(|refusal| refusal.fault))
}
