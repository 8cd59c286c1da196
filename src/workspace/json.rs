//! JSON to and from the tree.

use jsonc_parser::ast::{ObjectPropName, Value as Ast};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::error::{Result, Source};
use super::node::{Map, Mark, Node, Value};
use super::yaml::insert;

/// Reads a JSON text; `None` when there is nothing in it.
///
/// # Errors
/// With the place, when it is no JSON (comments and trailing commas are
/// none).
pub fn parse(text: &str, source: &mut Source) -> Result<Option<Node>> {
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &strict).map_err(|error| {
        let mark = Mark {
            line: error.line_display(),
            column: error.column_display(),
        };
        source.error(mark, format!("no valid JSON: {}", error.kind()))
    })?;
    let lines = Lines::of(text);
    Ok(parsed.value.map(|value| convert(value, &lines, source)))
}

/// Where each line starts, to turn byte offsets into places.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl Lines<'_> {
    fn of(text: &str) -> Lines<'_> {
        let newlines = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        Lines {
            text,
            starts: std::iter::once(0).chain(newlines).collect(),
        }
    }

    fn mark(&self, offset: usize) -> Mark {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        let before = self.text.get(start..offset).unwrap_or("");
        Mark {
            line,
            column: before.chars().count() + 1,
        }
    }
}

fn convert(value: Ast<'_>, lines: &Lines<'_>, source: &mut Source) -> Node {
    let mark = lines.mark(value.start());
    let plain = |text: &str| Value::Scalar {
        text: text.to_owned(),
        plain: true,
    };
    let value = match value {
        Ast::NullKeyword(_) => Value::Null,
        Ast::BooleanLit(switch) => plain(if switch.value { "true" } else { "false" }),
        Ast::NumberLit(number) => plain(number.value),
        Ast::StringLit(text) => Value::Scalar {
            text: text.value.into_owned(),
            plain: false,
        },
        Ast::Array(array) => {
            let items = array.elements.into_iter();
            Value::List(items.map(|item| convert(item, lines, source)).collect())
        }
        Ast::Object(object) => {
            let mut map = Map::default();
            for property in object.properties {
                let at = lines.mark(property.range.start);
                let key = match property.name {
                    ObjectPropName::String(name) => name.value.into_owned(),
                    ObjectPropName::Word(name) => name.value.to_owned(),
                };
                let value = convert(property.value, lines, source);
                insert(&mut map, key, at, value, source);
            }
            Value::Map(map)
        }
    };
    Node { value, mark }
}

/// Writes a tree as JSON, ending in a newline.
#[must_use]
pub fn emit(node: &Node) -> String {
    // A tree of texts, lists and mappings has no value that JSON lacks.
    let mut text = serde_json::to_string_pretty(node).unwrap_or_default();
    text.push('\n');
    text
}
