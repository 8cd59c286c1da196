//! A workspace file as a tree that remembers where everything stood.
//!
//! A scalar keeps the text that was written: `0644`, `1.10` and `on` are only
//! turned into numbers and switches where such are meant. Mappings keep their
//! order.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// A place in a file: line and column, both from 1. Line 0 means that the
/// node comes from no file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// A value and where it stood.
#[derive(Clone, Debug)]
pub struct Node {
    pub value: Value,
    pub mark: Mark,
}

/// What a [`Node`] can be.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: `null`, `~`, or no value at all.
    Null,
    /// A text as it was written.
    Scalar {
        text: String,
        /// Written without quotes, so that it may be a number or a switch.
        plain: bool,
    },
    List(Vec<Node>),
    Map(Map),
}

/// Nodes are equal when they hold the same, wherever they stood.
impl PartialEq for Node {
    fn eq(&self, other: &Node) -> bool {
        self.value == other.value
    }
}

/// A mapping in the order it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    entries: Vec<Entry>,
}

/// A key of a [`Map`] with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    /// Where the key stood.
    pub mark: Mark,
    /// What it maps to.
    pub value: Node,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.key == other.key && self.value == other.value
    }
}

impl Map {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of a key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let entry = self.entries.iter_mut().find(|entry| entry.key == key);
        entry.map(|entry| &mut entry.value)
    }

    /// A key with its place and value.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Sets a key: in its place when it is there, at the end otherwise.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Node>) -> &mut Map {
        let (key, value) = (key.into(), value.into());
        match self.get_mut(&key) {
            Some(old) => *old = value,
            None => self.entries.push(Entry {
                key,
                mark: value.mark,
                value,
            }),
        }
        self
    }

    /// Adds an entry without looking whether its key is there.
    pub(super) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(at).value)
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The entries in order, to change their values.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.iter_mut()
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Node {
    /// A node that comes from no file.
    #[must_use]
    pub fn new(value: Value) -> Node {
        Node {
            value,
            mark: Mark::default(),
        }
    }

    /// A text at a place, as if it had been quoted.
    pub fn text_at(text: impl Into<String>, mark: Mark) -> Node {
        let value = Value::Scalar {
            text: text.into(),
            plain: false,
        };
        Node { value, mark }
    }

    /// The text of a scalar.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The items of a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// A key of a mapping; `None` for everything else.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }

    /// A switch, quoted or not: `true yes on 1` and `false no off 0`, in
    /// any case (YAML 1.1 takes them all).
    #[must_use]
    pub fn as_switch(&self) -> Option<bool> {
        match self.as_text()?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        }
    }

    /// Whether it is an unquoted YAML 1.1 switch, and which.
    #[must_use]
    pub fn as_plain_switch(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar { text, plain: true } if text != "0" && text != "1" => self.as_switch(),
            _ => None,
        }
    }

    /// What kind of thing it is, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Scalar { .. } => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Node {
        Node::text_at(text, Mark::default())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Node {
        Node::text_at(text, Mark::default())
    }
}

impl From<bool> for Node {
    fn from(on: bool) -> Node {
        Node::new(Value::Scalar {
            text: on.to_string(),
            plain: true,
        })
    }
}

impl From<u32> for Node {
    fn from(number: u32) -> Node {
        Node::new(Value::Scalar {
            text: number.to_string(),
            plain: true,
        })
    }
}

impl From<Map> for Node {
    fn from(map: Map) -> Node {
        Node::new(Value::Map(map))
    }
}

impl From<Vec<Node>> for Node {
    fn from(items: Vec<Node>) -> Node {
        Node::new(Value::List(items))
    }
}

/// Whether a plain text is a number that JSON writes the same way.
fn json_number(text: &str) -> Option<serde_json::Number> {
    let number: serde_json::Number = serde_json::from_str(text).ok()?;
    (number.to_string() == text).then_some(number)
}

/// Numbers and `true`/`false` become such only where nothing of the text is
/// lost: `0644`, `1.10` and `on` stay texts.
impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Scalar { text, plain } => match (plain, text.as_str()) {
                (true, "true" | "True" | "TRUE") => serializer.serialize_bool(true),
                (true, "false" | "False" | "FALSE") => serializer.serialize_bool(false),
                (true, text) => match json_number(text) {
                    Some(number) => number.serialize(serializer),
                    None => serializer.serialize_str(text),
                },
                (false, text) => serializer.serialize_str(text),
            },
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Value::Map(map) => {
                let mut out = serializer.serialize_map(Some(map.len()))?;
                for entry in map.iter() {
                    out.serialize_entry(&entry.key, &entry.value)?;
                }
                out.end()
            }
        }
    }
}
