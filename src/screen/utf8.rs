//! Characters of several bytes.

/// The bytes of a character that starts with `first`.
pub(super) fn length_of(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        _ => 2,
    }
}

/// The character that `bytes` start with, if it is a whole one and not ASCII.
#[inline]
pub(super) fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    let first = *bytes.first()?;
    let more = |at: usize| {
        let byte = *bytes.get(at)?;
        (byte & 0xc0 == 0x80).then_some(u32::from(byte & 0x3f))
    };
    let first = u32::from(first);
    let (code, length, least) = match first {
        0xc2..=0xdf => ((first & 0x1f) << 6 | more(1)?, 2, 0x80),
        0xe0..=0xef => ((first & 0xf) << 12 | more(1)? << 6 | more(2)?, 3, 0x800),
        0xf0..=0xf4 => (
            (first & 7) << 18 | more(1)? << 12 | more(2)? << 6 | more(3)?,
            4,
            0x1_0000,
        ),
        _ => return None,
    };
    if code < least {
        return None;
    }
    Some((char::from_u32(code)?, length))
}
