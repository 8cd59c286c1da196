//! Text in the path of a URL (RFC 3986, section 2).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All but the unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Percent-encodes a text as one segment.
#[must_use]
pub fn encode(segment: &str) -> String {
    utf8_percent_encode(segment, RESERVED).to_string()
}

/// Decodes a segment; what is not UTF-8 stays as it was sent.
#[must_use]
pub fn decode(segment: &str) -> String {
    match percent_decode_str(segment).decode_utf8() {
        Ok(text) => text.into_owned(),
        Err(_) => segment.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_encoded_and_decoded() {
        for (text, segment) in [
            ("main:@3", "main%3A%403"),
            ("%0", "%250"),
            ("a/b c", "a%2Fb%20c"),
            ("-._~é", "-._~%C3%A9"),
            ("", ""),
        ] {
            assert_eq!(encode(text), segment);
            assert_eq!(decode(segment), text);
        }
        assert_eq!(decode("main:@3"), "main:@3");
        assert_eq!(decode("%FF"), "%FF");
    }
}
