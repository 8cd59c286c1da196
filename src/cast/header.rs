//! The first line of a cast.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use super::json::Object;

/// Where a cast stands in a recording that was rotated: in the header of each part
/// but the first, as `"tvmux": {"part": 2, "previous": "x.cast", "screen": 1234}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Counted from 1.
    #[serde(rename = "part")]
    pub number: u32,
    /// The file name of the part before it. The part after it has its own name with
    /// the next number (see [`crate::chain`]).
    pub previous: String,
    /// Bytes of output, at time 0, that paint the screen as the part before has left
    /// it: one who has read that passes over them.
    pub screen: u64,
}

/// The header of an asciicast file.
///
/// Fields that are `None` or empty are left out of the line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// Columns of the terminal at the start; at least 1.
    pub width: u16,
    /// Rows of the terminal at the start; at least 1.
    pub height: u16,
    /// When the recording started: seconds since the Unix epoch.
    pub timestamp: Option<u64>,
    /// Longest pause that a player should show, in seconds.
    pub idle_time_limit: Option<f64>,
    /// The command that was recorded.
    pub command: Option<String>,
    /// What the recording is called.
    pub title: Option<String>,
    /// Environment of the recorded program, by convention `SHELL` and `TERM`;
    /// `TERM_PROGRAM` and `TERM_PROGRAM_VERSION` say which terminal it was.
    pub env: BTreeMap<String, String>,
    /// What the terminal calls itself, which v3 has apart from `TERM` in `env`.
    pub term_type: Option<String>,
    /// Name and version of the terminal, as v3 has them: `tmux 3.5a`.
    pub term_version: Option<String>,
    /// The terminal's colours, as they stand in the cast: `fg`, `bg`, `palette`.
    pub theme: Option<Value>,
    /// Which part of a rotated recording it is; none of the first, and of all others.
    pub part: Option<Part>,
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", &2)?;
        map.serialize_entry("width", &self.width)?;
        map.serialize_entry("height", &self.height)?;
        if let Some(timestamp) = self.timestamp {
            map.serialize_entry("timestamp", &timestamp)?;
        }
        if let Some(limit) = self.idle_time_limit {
            map.serialize_entry("idle_time_limit", &limit)?;
        }
        if let Some(command) = &self.command {
            map.serialize_entry("command", command)?;
        }
        if let Some(title) = &self.title {
            map.serialize_entry("title", title)?;
        }
        let env = self.env_with_terminal();
        if !env.is_empty() {
            map.serialize_entry("env", &*env)?;
        }
        if let Some(theme) = &self.theme {
            map.serialize_entry("theme", theme)?;
        }
        if let Some(part) = &self.part {
            map.serialize_entry("tvmux", part)?;
        }
        map.end()
    }
}

impl Header {
    /// The header that a cast of that version starts with, as far as `block`
    /// has one. Sizes that are missing are those of a common terminal.
    pub(in crate::cast) fn read(block: &[u8], version: u8) -> Header {
        let block = block.strip_prefix(b"\xef\xbb\xbf").unwrap_or(block);
        let object = Object::read(block);
        let text = |key| field::<String>(block, &object, key);
        let mut header = Header {
            width: 80,
            height: 24,
            timestamp: field(block, &object, "timestamp"),
            idle_time_limit: field(block, &object, "idle_time_limit"),
            command: text("command"),
            title: text("title"),
            env: field::<BTreeMap<String, Option<String>>>(block, &object, "env")
                .unwrap_or_default()
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
            term_type: None,
            term_version: None,
            theme: None,
            part: field(block, &object, "tvmux"),
        };
        let (term, names) = match (version, object.get(block, "term")) {
            (3, Some(term)) => (term, ["cols", "rows"]),
            _ => (block, ["width", "height"]),
        };
        let object = Object::read(term);
        if version == 3 {
            header.term_type = field(term, &object, "type");
            header.term_version = field(term, &object, "version");
        }
        header.theme = field(term, &object, "theme").filter(Value::is_object);
        for (name, side) in names
            .into_iter()
            .zip([&mut header.width, &mut header.height])
        {
            if let Some(size) = field(term, &object, name) {
                *side = size;
            }
        }
        header
    }

    /// A variable that tells of the terminal: `TERM`, `TERM_PROGRAM` or
    /// `TERM_PROGRAM_VERSION`. What v3 says of the terminal itself comes first.
    pub fn terminal_variable(&self, name: &str) -> Option<&str> {
        let version = self.term_version.as_deref();
        let program = version.and_then(|version| version.rsplit_once(' '));
        let own = match name {
            "TERM" => self.term_type.as_deref(),
            "TERM_PROGRAM" => program.map(|(name, _)| name),
            "TERM_PROGRAM_VERSION" => program.map(|(_, version)| version),
            _ => None,
        };
        own.or_else(|| self.env.get(name).map(String::as_str))
    }

    /// The environment, with what v3 says of the terminal where it does not.
    fn env_with_terminal(&self) -> Cow<'_, BTreeMap<String, String>> {
        let mut env = Cow::Borrowed(&self.env);
        for name in ["TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION"] {
            if !env.contains_key(name)
                && let Some(value) = self.terminal_variable(name)
            {
                env.to_mut().insert(name.to_owned(), value.to_owned());
            }
        }
        env
    }

    /// Appends the header line of v3, with its newline, to `out`.
    pub(in crate::cast) fn encode_v3(&self, out: &mut Vec<u8>) {
        let mut term = json!({"cols": self.width, "rows": self.height});
        if let Some(name) = self.term_type.as_ref().or_else(|| self.env.get("TERM")) {
            term["type"] = json!(name);
        }
        if let Some(version) = &self.term_version {
            term["version"] = json!(version);
        }
        if let Some(theme) = &self.theme {
            term["theme"] = theme.clone();
        }
        let mut header = json!({"version": 3, "term": term});
        self.add_common(&mut header);
        if !self.env.is_empty() {
            header["env"] = json!(self.env);
        }
        out.extend_from_slice(header.to_string().as_bytes());
        out.push(b'\n');
    }

    /// Appends the start of a v1 document, up to the first event, to `out`.
    pub(in crate::cast) fn encode_v1_start(&self, out: &mut Vec<u8>) {
        let mut header = json!({"version": 1, "width": self.width, "height": self.height});
        if let Some(command) = &self.command {
            header["command"] = json!(command);
        }
        if let Some(title) = &self.title {
            header["title"] = json!(title);
        }
        let env = self.env_with_terminal();
        if !env.is_empty() {
            header["env"] = json!(&*env);
        }
        out.extend_from_slice(header.to_string().trim_end_matches('}').as_bytes());
        if !env.is_empty() {
            out.push(b'}');
        }
        out.extend_from_slice(b", \"stdout\": [\n");
    }

    fn add_common(&self, header: &mut Value) {
        if let Some(timestamp) = self.timestamp {
            header["timestamp"] = json!(timestamp);
        }
        if let Some(limit) = self.idle_time_limit {
            header["idle_time_limit"] = json!(limit);
        }
        if let Some(command) = &self.command {
            header["command"] = json!(command);
        }
        if let Some(title) = &self.title {
            header["title"] = json!(title);
        }
    }

    /// Appends the header line of v2, with its newline, to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        serde_json::to_writer(&mut *out, self)
            .expect("a header holds only text and finite numbers, and a Vec takes every write");
        out.push(b'\n');
    }
}

/// A member of `object`, which was read from `text`, if it is of that type.
fn field<T: DeserializeOwned>(text: &[u8], object: &Object, key: &str) -> Option<T> {
    serde_json::from_slice(object.get(text, key)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_fields_are_left_out() {
        let mut line = Vec::new();
        Header {
            width: 80,
            height: 24,
            ..Header::default()
        }
        .encode(&mut line);
        assert_eq!(line, b"{\"version\":2,\"width\":80,\"height\":24}\n");
    }

    #[test]
    fn every_field_is_written() {
        let header = Header {
            width: 80,
            height: 24,
            timestamp: Some(1_700_000_000),
            idle_time_limit: Some(2.5),
            command: Some("htop".into()),
            title: Some("a \"title\"\n".into()),
            env: BTreeMap::from([("TERM".into(), "screen".into())]),
            ..Header::default()
        };
        let mut line = Vec::new();
        header.encode(&mut line);
        assert_eq!(
            String::from_utf8(line).unwrap(),
            "{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":1700000000,\
             \"idle_time_limit\":2.5,\"command\":\"htop\",\"title\":\"a \\\"title\\\"\\n\",\
             \"env\":{\"TERM\":\"screen\"}}\n"
        );
    }
}
