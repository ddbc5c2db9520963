//! Which bytes may stand where.

/// A character of a token: of a method, and of a field's name.
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A control character, of which only the tab may stand in a head, and that in a value.
pub(super) fn is_control(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f
}

/// A character that a target may hold. Some that a URI would have to escape pass, because clients send them
/// and they have one reading; which path is a good one is decided where requests are routed. No `#`: programs
/// differ in what they cut off there.
pub(super) fn is_target(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"#<>`".contains(&byte)
}

/// Without spaces and tabs around it.
pub(super) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
