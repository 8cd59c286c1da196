//! The members of a JSON object, also of a damaged one.

use std::ops::Range;

use super::lex::{Fault, Lexer, Scalar, Sink};

/// A member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cast) struct Member {
    /// Its name, escapes resolved.
    pub(in crate::cast) key: String,
    /// Where its name starts, quote included.
    pub(in crate::cast) at: usize,
    /// Where its value stands.
    pub(in crate::cast) value: Range<usize>,
}

/// What could be read of an object.
#[derive(Clone, Debug, Default)]
pub(in crate::cast) struct Object {
    /// The members that are complete, in order.
    pub(in crate::cast) members: Vec<Member>,
    /// What is wrong, in order.
    pub(in crate::cast) faults: Vec<(Fault, usize)>,
    /// The offset after the closing brace; `None` when there is none.
    pub(in crate::cast) end: Option<usize>,
}

impl Object {
    /// Reads the object at the start of `bytes`, white space before it allowed.
    pub(in crate::cast) fn read(bytes: &[u8]) -> Object {
        let mut sink = Reading::default();
        let mut lexer = Lexer::new();
        lexer.feed(bytes, 0, &mut sink);
        lexer.finish(bytes.len() as u64, &mut sink);
        // The keys are raw so far: pieces of a key arrive without their place.
        for member in &mut sink.object.members {
            let key = &bytes[member.at..member.at + member.key.len() + 2];
            if let Ok(decoded) = serde_json::from_slice(key) {
                member.key = decoded;
            }
        }
        sink.object
    }

    /// The value of `key`, as it stands in `bytes`: the first, when there are
    /// several.
    pub(in crate::cast) fn get<'a>(&self, bytes: &'a [u8], key: &str) -> Option<&'a [u8]> {
        let member = self.members.iter().find(|member| member.key == key)?;
        bytes.get(member.value.clone())
    }

    /// Whether it is one whole object, whatever is wrong inside its strings,
    /// and whatever follows it.
    pub(in crate::cast) fn is_whole(&self) -> bool {
        self.end.is_some()
    }
}

#[derive(Default)]
struct Reading {
    object: Object,
    depth: usize,
    /// Set when the outermost value is no object.
    foreign: bool,
    key: Vec<u8>,
    key_at: usize,
    value_at: usize,
    in_key: bool,
}

impl Reading {
    fn value_end(&mut self, end: usize) {
        if self.foreign {
            return;
        }
        self.object.members.push(Member {
            // Its length is what counts until the key is decoded.
            key: String::from_utf8(self.key.clone()).unwrap_or_else(|_| "?".repeat(self.key.len())),
            at: self.key_at,
            value: self.value_at..end,
        });
    }
}

impl Sink for Reading {
    fn open(&mut self, bracket: u8, at: u64) {
        self.foreign |= self.depth == 0 && bracket != b'{';
        if self.depth == 1 {
            self.value_at = at as usize;
        }
        self.depth += 1;
    }

    fn close(&mut self, _: u8, at: u64) {
        self.depth -= 1;
        match self.depth {
            0 if !self.foreign => self.object.end = Some(at as usize + 1),
            1 => self.value_end(at as usize + 1),
            _ => {}
        }
    }

    fn start(&mut self, _: Scalar, key: bool, at: u64) {
        self.in_key = key && self.depth == 1;
        if self.in_key {
            self.key.clear();
            self.key_at = at as usize;
        } else if self.depth == 1 {
            self.value_at = at as usize;
        }
    }

    fn piece(&mut self, bytes: &[u8]) {
        if self.in_key {
            self.key.extend_from_slice(bytes);
        }
    }

    fn end(&mut self, _: Scalar, key: bool, at: u64) {
        self.in_key = false;
        if !key && self.depth == 1 {
            self.value_end(at as usize);
        }
    }

    fn fault(&mut self, fault: Fault, at: u64) {
        self.object.faults.push((fault, at as usize));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let object = Object::read(text.as_bytes());
        let members = object.members.iter();
        members
            .map(|m| (m.key.clone(), text[m.value.clone()].to_owned()))
            .collect()
    }

    #[test]
    fn members_keep_their_text() {
        let text = r#" {"a":1.50, "b\u0062" : {"c": [1, "]"]}, "d":"x\"y","e":null} rest"#;
        let expected = [
            ("a", "1.50"),
            ("bb", r#"{"c": [1, "]"]}"#),
            ("d", r#""x\"y""#),
            ("e", "null"),
        ];
        assert_eq!(
            read(text),
            expected.map(|(k, v)| (k.to_owned(), v.to_owned()))
        );
        let object = Object::read(text.as_bytes());
        assert_eq!(object.end, Some(text.len() - 5));
        assert_eq!(object.get(text.as_bytes(), "a"), Some(&b"1.50"[..]));
    }

    #[test]
    fn a_torn_object_gives_what_is_whole() {
        assert_eq!(read(r#"{"a":1,"b":"x"#), [("a".to_owned(), "1".to_owned())]);
        assert!(!Object::read(b"{\"a\":1").is_whole());
        assert_eq!(read("[1, 2]"), []);
    }
}
