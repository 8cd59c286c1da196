//! YAML to and from the tree.
//!
//! Reads YAML 1.2 with anchors and the merge key `<<`. Bounded: a small file
//! cannot grow into a large tree through aliases, nor nest without end.

use std::collections::HashMap;

use saphyr::{Mapping, Scalar, Yaml, YamlEmitter};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::error::{Result, Source};
use super::node::{Entry, Map, Mark, Node, Value};

/// How deep a file may nest.
const DEPTH: usize = 64;
/// How many nodes a file may have once its aliases are resolved.
const NODES: usize = 200_000;

/// Reads the one document of a text; `None` when there is none.
///
/// # Errors
/// With the place, when it is no YAML, holds several documents, or is too
/// deep or too large.
pub fn parse(text: &str, source: &mut Source) -> Result<Option<Node>> {
    let mut builder = TreeBuilder::default();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let at = mark(error.marker());
            match glued_dash(text, at.line.saturating_sub(2)..at.line + 1) {
                Some(dash) => source.error(dash, "an item of a list has a blank after `-`"),
                None => source.error(at, format!("no valid YAML: {}", error.info())),
            }
        })?;
        if let Event::DocumentStart(_) = event {
            documents += 1;
            if documents > 1 {
                return Err(source.error(
                    mark(&span.start),
                    "a second document starts here; a workspace file holds one",
                ));
            }
        }
        builder.take(event, span, source)?;
    }
    Ok(builder.root)
}

/// The first of some lines, counted from 0, that looks like an item of a list
/// without the blank after its `-`.
fn glued_dash(text: &str, lines: std::ops::Range<usize>) -> Option<Mark> {
    let lines = text.lines().enumerate().take(lines.end).skip(lines.start);
    for (number, line) in lines {
        let item = line.trim_start_matches(' ');
        if let Some(rest) = item.strip_prefix('-')
            && rest.starts_with(|c: char| !c.is_whitespace() && !c.is_ascii_digit() && c != '-')
        {
            return Some(Mark {
                line: number + 1,
                column: line.len() - item.len() + 1,
            });
        }
    }
    None
}

fn mark(marker: &Marker) -> Mark {
    Mark {
        line: marker.line(),
        column: marker.col() + 1,
    }
}

#[derive(Default)]
struct TreeBuilder {
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    root: Option<Node>,
}

/// A list or mapping whose end is not reached.
struct Open {
    anchor: usize,
    mark: Mark,
    first_node: usize,
    what: Collection,
}

enum Collection {
    List(Vec<Node>),
    Map(Map, Option<(String, Mark)>),
}

impl TreeBuilder {
    fn take(&mut self, event: Event<'_>, span: Span, source: &mut Source) -> Result<()> {
        let at = mark(&span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let value = match scalar_tag(tag.as_deref()) {
                    Some(ScalarTag::Text) => Value::Scalar {
                        text: text.into_owned(),
                        plain: false,
                    },
                    Some(ScalarTag::Null) => Value::Null,
                    None if plain && is_null(&text) => Value::Null,
                    Some(ScalarTag::Plain) => Value::Scalar {
                        text: text.into_owned(),
                        plain: true,
                    },
                    None => Value::Scalar {
                        text: text.into_owned(),
                        plain,
                    },
                    Some(ScalarTag::Unknown(name)) => return Err(unknown_tag(source, at, &name)),
                };
                self.count(1, at, source)?;
                self.put(Node { value, mark: at }, anchor, 1, source)
            }
            Event::SequenceStart(anchor, tag) => self.open(
                Collection::List(Vec::new()),
                anchor,
                tag.as_deref(),
                at,
                source,
            ),
            Event::MappingStart(anchor, tag) => {
                let what = Collection::Map(Map::default(), None);
                self.open(what, anchor, tag.as_deref(), at, source)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(source),
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(source.error(at, "an alias cannot be part of what it stands for"));
                };
                self.count(size, at, source)?;
                self.put(Node { mark: at, ..node }, 0, size, source)
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, more: usize, at: Mark, source: &Source) -> Result<()> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > NODES {
            return Err(source.error(at, format!("too large: more than {NODES} values")));
        }
        Ok(())
    }

    fn open(
        &mut self,
        what: Collection,
        anchor: usize,
        tag: Option<&Tag>,
        at: Mark,
        source: &Source,
    ) -> Result<()> {
        if let Some(tag) = tag
            && !(tag.is_yaml_core_schema() && matches!(tag.suffix.as_str(), "seq" | "map"))
        {
            return Err(unknown_tag(source, at, &tag.to_string()));
        }
        if self.open.len() >= DEPTH {
            return Err(source.error(at, format!("nested more than {DEPTH} levels deep")));
        }
        self.count(1, at, source)?;
        self.open.push(Open {
            anchor,
            mark: at,
            first_node: self.nodes,
            what,
        });
        Ok(())
    }

    fn close(&mut self, source: &mut Source) -> Result<()> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = match open.what {
            Collection::List(items) => Value::List(items),
            Collection::Map(map, _) => Value::Map(merge(map, source)?),
        };
        let size = self.nodes - open.first_node + 1;
        let node = Node {
            value,
            mark: open.mark,
        };
        self.put(node, open.anchor, size, source)
    }

    /// Puts a finished node where it belongs.
    fn put(&mut self, node: Node, anchor: usize, size: usize, source: &mut Source) -> Result<()> {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.what {
            Collection::List(items) => items.push(node),
            Collection::Map(map, key) => match key.take() {
                None => {
                    let text = match &node.value {
                        Value::Scalar { text, .. } => text.clone(),
                        Value::Null => "null".to_owned(),
                        _ => {
                            let message = format!("{} cannot be a key", node.kind());
                            return Err(source.error(node.mark, message));
                        }
                    };
                    *key = Some((text, node.mark));
                }
                Some((key, at)) => insert(map, key, at, node, source),
            },
        }
        Ok(())
    }
}

/// Adds an entry; of a key that comes twice the last one counts.
pub(super) fn insert(map: &mut Map, key: String, mark: Mark, value: Node, source: &mut Source) {
    if map.get(&key).is_some() {
        if key != "<<" {
            source.warn(mark, format!("`{key}` comes twice; the last one counts"));
        }
        map.remove(&key);
    }
    map.push(Entry { key, mark, value });
}

/// Resolves `<<`: the keys of the mappings it names, unless set here.
fn merge(mut map: Map, source: &Source) -> Result<Map> {
    let Some(merged) = map.remove("<<") else {
        return Ok(map);
    };
    let mark = merged.mark;
    let from = match merged.value {
        Value::Map(from) => vec![from],
        Value::List(items) => {
            let maps = items.into_iter().map(|item| match item.value {
                Value::Map(from) => Ok(from),
                _ => Err(source.error(item.mark, "`<<` takes mappings")),
            });
            maps.collect::<Result<_>>()?
        }
        _ => return Err(source.error(mark, "`<<` takes a mapping or a list of them")),
    };
    for from in from {
        for entry in from.iter() {
            if map.get(&entry.key).is_none() {
                map.push(entry.clone());
            }
        }
    }
    Ok(map)
}

enum ScalarTag {
    Text,
    Null,
    Plain,
    Unknown(String),
}

fn scalar_tag(tag: Option<&Tag>) -> Option<ScalarTag> {
    let tag = tag?;
    if !tag.is_yaml_core_schema() {
        return Some(ScalarTag::Unknown(tag.to_string()));
    }
    Some(match tag.suffix.as_str() {
        "str" => ScalarTag::Text,
        "null" => ScalarTag::Null,
        "bool" | "int" | "float" => ScalarTag::Plain,
        _ => ScalarTag::Unknown(tag.to_string()),
    })
}

fn unknown_tag(source: &Source, at: Mark, name: &str) -> super::Error {
    source.error(
        at,
        format!("the YAML tag `{name}` means nothing in a workspace; leave it out"),
    )
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Writes a tree as YAML, ending in a newline.
///
/// What is not meant as a number, a switch or nothing is quoted wherever a
/// YAML 1.1 or 1.2 reader might take it for one.
#[must_use]
pub fn emit(node: &Node) -> String {
    let mut out = String::new();
    let mut emitter = YamlEmitter::new(&mut out);
    // Writing to a `String` cannot fail.
    let _ = emitter.dump(&convert(node));
    let mut text = out.strip_prefix("---\n").unwrap_or(&out).to_owned();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn convert(node: &Node) -> Yaml<'_> {
    match &node.value {
        Value::Null => Yaml::Value(Scalar::Null),
        Value::Scalar { text, plain } => scalar(text, *plain),
        Value::List(items) => Yaml::Sequence(items.iter().map(convert).collect()),
        Value::Map(map) => {
            let mut out = Mapping::new();
            for entry in map.iter() {
                out.insert(scalar(&entry.key, false), convert(&entry.value));
            }
            Yaml::Mapping(out)
        }
    }
}

fn scalar(text: &str, plain: bool) -> Yaml<'_> {
    if plain && is_word(text) || is_safe(text) {
        return Yaml::Representation(text.into(), ScalarStyle::Plain, None);
    }
    Yaml::Representation(quoted(text).into(), ScalarStyle::DoubleQuoted, None)
}

/// What may stand inside double quotes for a text.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{1b}' => out.push_str("\\e"),
            c if (c as u32) < 0x20 || (0x7f..0xa0).contains(&(c as u32)) => {
                out.push_str(&format!("\\x{:02x}", c as u32));
            }
            '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => out.push(c),
        }
    }
    out
}

/// A number or switch that was written without quotes and can be again.
fn is_word(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+-._:".contains(&b);
    let first = text.as_bytes().first();
    !text.is_empty()
        && text.bytes().all(allowed)
        && first.is_some_and(|b| *b != b':' && *b != b'-' || text.len() > 1)
        && !text.ends_with(':')
        && !text.starts_with("---")
        && text != "..."
}

/// Whether a text is the same text when it stands without quotes, for every
/// reader.
fn is_safe(text: &str) -> bool {
    let (Some(first), Some(last)) = (text.chars().next(), text.chars().last()) else {
        return false;
    };
    let starts = first.is_ascii_alphabetic() || matches!(first, '/' | '_' | '$' | '(' | '^');
    let inside = |c: char| {
        c.is_ascii_alphanumeric()
            || " /_-.$(){}[]^+=,;<>|&*?!~'\"\\@%:#".contains(c)
            || (c.is_alphanumeric() && c as u32 >= 0xc0)
    };
    let reserved = [
        "true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf",
    ];
    starts
        && text.chars().all(inside)
        && last != ' '
        && last != ':'
        && !text.contains(": ")
        && !text.contains(" #")
        && !reserved.contains(&text.to_ascii_lowercase().as_str())
}
