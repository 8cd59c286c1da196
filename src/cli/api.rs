//! `tvmux api`: every route of the HTTP API, from the shell.
//!
//! Commands, arguments and help are read from the OpenAPI document when the
//! program runs; nothing here knows a route.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Arg, ArgMatches, Command};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Response};
use serde_json::{Map, Value};

use super::{Failure, Outcome, background, runtime};
use crate::api::path::encode;
use crate::client;
use crate::http::openapi::{self, resolve};
use crate::tmux::Socket;

#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(super) struct Args {
    /// Resource, verb and fields; `tvmux api --help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

/// Refused by the server; 1 and 2 mean what they mean everywhere.
const CLIENT_ERROR: u8 = 4;
const SERVER_ERROR: u8 = 5;

/// How long a server that has gone is looked for by a feed, and how often.
const COME_BACK: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_millis(100);

const AFTER_HELP: &str = "Prints the reply as JSON. Exit codes: 0 done; 1 the server was not \
                          reached; 2 wrong usage; 4 refused (a 4xx status); 5 the server could \
                          not (a 5xx status). Refusals go to standard error.";

/// One operation of the document.
struct Operation {
    resource: String,
    verb: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    fields: Vec<Field>,
    has_body: bool,
}

/// Where a field goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ParameterIn {
    Path,
    Query,
    Header,
    Body,
}

/// One thing that may be given.
struct Field {
    name: String,
    place: ParameterIn,
    is_required: bool,
    description: String,
    /// The JSON types that it may have.
    kinds: Vec<String>,
    /// The only values, where there are few.
    values: Vec<String>,
    /// What the server takes without it, as JSON.
    default: Option<String>,
}

pub(super) fn run(args: Args) -> Outcome {
    let document = openapi::document();
    let operations = operations(&document);
    let name = OsString::from("tvmux api");
    let matches = match command_of(&document, &operations)
        .no_binary_name(false)
        .try_get_matches_from(std::iter::once(name).chain(args.args))
    {
        Ok(matches) => matches,
        Err(error) => error.exit(),
    };
    let found = matches.subcommand().and_then(|(resource, matches)| {
        let (verb, matches) = matches.subcommand()?;
        let fits =
            |operation: &&Operation| operation.resource == resource && operation.verb == verb;
        Some((operations.iter().find(fits)?, matches))
    });
    let Some((operation, matches)) = found else {
        return Err(Failure::usage("a resource and a verb are required"));
    };
    runtime()?.block_on(call(operation, matches))
}

/// The command with all resources and verbs, for help and completions.
pub(super) fn command() -> Command {
    let document = openapi::document();
    command_of(&document, &operations(&document))
}

fn command_of(document: &Value, operations: &[Operation]) -> Command {
    let mut all = Command::new("api")
        .about("Ask the server over its HTTP API")
        .after_help(AFTER_HELP)
        .max_term_width(100)
        .subcommand_required(true)
        .arg_required_else_help(true);
    let mut resources: Vec<&str> = Vec::new();
    for operation in operations {
        if !resources.contains(&operation.resource.as_str()) {
            resources.push(&operation.resource);
        }
    }
    for resource in resources {
        let mut tags = document["tags"].as_array().into_iter().flatten();
        let tag = tags.find(|tag| tag["name"] == resource);
        let mut group = Command::new(resource.to_owned())
            .about(tag.map(|tag| text(&tag["description"])).unwrap_or_default())
            .subcommand_required(true)
            .arg_required_else_help(true);
        for operation in operations.iter().filter(|one| one.resource == resource) {
            group = group.subcommand(operation.command());
        }
        all = all.subcommand(group);
    }
    all
}

impl Operation {
    fn command(&self) -> Command {
        let mut about = self.summary.clone();
        if !self.description.is_empty() {
            about.push_str("\n\n");
            about.push_str(&self.description);
        }
        let mut command = Command::new(self.verb.clone())
            .about(self.summary.clone())
            .long_about(about)
            .after_help(format!("{} {}", self.method.to_uppercase(), self.path));
        if self.verb.contains('-') {
            command = command.alias(self.verb.replace('-', "_"));
        }
        for field in &self.fields {
            command = command.arg(field.arg(self.has_body));
        }
        if self.has_body {
            let body = Arg::new("json-body")
                .long("json-body")
                .value_name("JSON")
                .help("The whole body, in place of its fields");
            command = command.arg(body);
        }
        command
    }
}

impl Field {
    fn arg(&self, has_body: bool) -> Arg {
        let name = self.name.to_lowercase().replace('_', "-");
        let mut arg = Arg::new(self.name.clone());
        if self.place == ParameterIn::Path {
            return arg
                .help(self.description.clone())
                .required(true)
                .value_parser(NonEmptyStringValueParser::new())
                .value_name(name.to_uppercase());
        }
        let mut help = self.description.clone();
        if self.is_required {
            help.push_str(" [required]");
        } else if let Some(default) = &self.default {
            help.push_str(&format!(" [default: {default}]"));
        }
        arg = arg.help(help);
        arg = arg
            .long(name.clone())
            .alias(self.name.clone())
            .allow_hyphen_values(true);
        if !self.values.is_empty() {
            arg = arg.value_parser(PossibleValuesParser::new(self.values.clone()));
        } else if self.kinds == ["boolean"] {
            let either = PossibleValuesParser::new(["true", "false"]);
            return arg
                .value_parser(either)
                .num_args(0..=1)
                .require_equals(false)
                .default_missing_value("true")
                .allow_hyphen_values(false);
        } else {
            let kind = self.kinds.first().map_or("value", String::as_str);
            arg = arg.value_name(kind.to_uppercase());
        }
        match self.is_required {
            true if has_body && self.place == ParameterIn::Body => {
                arg.required_unless_present("json-body")
            }
            other => arg.required(other),
        }
    }

    /// What was typed, as its schema has it.
    fn value(&self, text: &str) -> Value {
        let may_be = |kind: &str| self.kinds.iter().any(|one| one == kind);
        if may_be("string") && !may_be("integer") {
            return Value::from(text);
        }
        match serde_json::from_str(text) {
            Ok(value @ Value::Number(_)) if may_be("integer") || may_be("number") => value,
            Ok(value @ Value::Bool(_)) if may_be("boolean") => value,
            Ok(value @ Value::Object(_)) if may_be("object") => value,
            // What does not fit is the server's to refuse.
            _ => Value::from(text),
        }
    }
}

async fn call(operation: &Operation, matches: &ArgMatches) -> Outcome {
    let mut path = operation.path.clone();
    let mut query = Vec::new();
    let mut headers = Vec::new();
    let mut body = Map::new();
    for field in &operation.fields {
        let Some(text) = matches.get_one::<String>(&field.name) else {
            continue;
        };
        match field.place {
            ParameterIn::Path => path = path.replace(&format!("{{{}}}", field.name), &encode(text)),
            ParameterIn::Query => query.push((field.name.clone(), text.clone())),
            ParameterIn::Header => headers.push(("last-event-id", text.clone())),
            ParameterIn::Body => {
                body.insert(field.name.clone(), field.value(text));
            }
        }
    }
    // As tmux itself does: inside it, the server around is meant.
    let asks_for_socket =
        |field: &Field| field.name == "socket" && field.place == ParameterIn::Query;
    if operation.resource != "callbacks"
        && operation.fields.iter().any(asks_for_socket)
        && !query.iter().any(|(name, _)| name == "socket")
        && let Some(socket) = Socket::surrounding()
    {
        let path = socket.path().to_string_lossy().into_owned();
        query.push(("socket".to_owned(), path));
    }
    let body = match whole_body(operation, matches) {
        Some(text) => Some(text.into_bytes()),
        None if operation.has_body => Some(serde_json::to_vec(&body)?),
        None => None,
    };
    if !query.is_empty() {
        path.push('?');
        path.push_str(&serde_urlencoded::to_string(query)?);
    }
    let mut client = background::client()
        .await
        .map_err(|error| Failure::new(error).hint("start it with `tvmux server start`"))?;
    let method: Method = operation.method.to_uppercase().parse()?;
    match client.send(method, &path, body, &headers).await {
        Ok(reply) if is_of_type(&reply, "text/event-stream") => follow(&path, reply).await,
        Ok(reply) => {
            print(reply).await?;
            Ok(ExitCode::SUCCESS)
        }
        Err(client::Error::Refused { status, body }) => {
            anstream::eprintln!("{}", serde_json::to_string_pretty(&body)?);
            let code = if status < 500 {
                CLIENT_ERROR
            } else {
                SERVER_ERROR
            };
            Ok(ExitCode::from(code))
        }
        Err(error) => Err(error.into()),
    }
}

fn whole_body(operation: &Operation, matches: &ArgMatches) -> Option<String> {
    let is_taken = operation.has_body;
    is_taken.then(|| matches.get_one::<String>("json-body").cloned())?
}

/// Prints a feed, over as many connections as it takes: a server that is started
/// again within ten seconds is found, and the feed goes on after the last event
/// that was printed.
async fn follow(path: &str, mut reply: Response<Incoming>) -> Outcome {
    let mut last = None;
    loop {
        print_events(reply.into_body(), &mut last).await?;
        let end = Instant::now() + COME_BACK;
        reply = loop {
            let headers: Vec<_> = last
                .iter()
                .map(|id: &String| ("last-event-id", id.clone()))
                .collect();
            let again = async {
                let mut client = background::client().await?;
                client.send(Method::GET, path, None, &headers).await
            };
            match again.await {
                Ok(reply) => break reply,
                // It is about to end, or has just started.
                Err(error) if error.may_pass() && Instant::now() < end => {
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => return Err(Failure::new(error)),
            }
        };
    }
}

/// Prints the whole events of a feed until it ends, and notes the last id.
async fn print_events(mut body: Incoming, last: &mut Option<String>) -> Result<(), Failure> {
    let mut waiting = Vec::new();
    let mut out = std::io::stdout().lock();
    // A connection that breaks is one that ends.
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        waiting.extend_from_slice(&bytes);
        let Some(end) = memchr::memmem::rfind(&waiting, b"\n\n") else {
            continue;
        };
        let whole: Vec<u8> = waiting.drain(..end + 2).collect();
        let mut lines = whole.split(|byte| *byte == b'\n').rev();
        if let Some(id) = lines.find_map(|line| line.strip_prefix(b"id: ")) {
            *last = Some(String::from_utf8_lossy(id).into_owned());
        }
        out.write_all(&whole)?;
        out.flush()?;
    }
    Ok(())
}

/// Whether a reply has this content type.
fn is_of_type(reply: &Response<Incoming>, kind: &str) -> bool {
    let found = reply.headers().get("content-type");
    found.is_some_and(|found| found.as_bytes().starts_with(kind.as_bytes()))
}

/// Prints a reply: JSON for people, anything else as it comes.
async fn print(reply: Response<Incoming>) -> Result<(), Failure> {
    let is_json = is_of_type(&reply, "application/json");
    let mut body = reply.into_body();
    let mut out = std::io::stdout().lock();
    if is_json {
        let bytes = body.collect().await?.to_bytes();
        let value: Value = serde_json::from_slice(&bytes)?;
        writeln!(out, "{}", serde_json::to_string_pretty(&value)?)?;
        return Ok(());
    }
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame?.into_data() {
            out.write_all(&bytes)?;
            out.flush()?;
        }
    }
    Ok(())
}

/// All operations of a document.
fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            all.push(Operation {
                resource: text(&operation["tags"][0]),
                verb: verb(path, method, operation),
                method: method.clone(),
                path: path.clone(),
                summary: text(&operation["summary"]),
                description: text(&operation["description"]),
                fields: fields(document, operation),
                has_body: operation.get("requestBody").is_some(),
            });
        }
    }
    all
}

fn verb(path: &str, method: &str, operation: &Value) -> String {
    let reply = &operation["responses"]["200"]["content"];
    let is_stream = reply.get("text/event-stream").is_some();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (method, parts.as_slice()) {
        _ if is_stream => "listen",
        (_, []) => "info",
        (_, ["version"]) => "version",
        (_, ["openapi.json"]) => "openapi",
        (_, ["docs"]) => "docs",
        ("get", [_]) => "list",
        ("post", [_]) => "create",
        ("patch", [_, _]) => "update",
        ("put", [_, _]) => "replace",
        (_, [_, last]) if !last.starts_with('{') => last,
        (method, [_, _]) => method,
        (_, [.., last]) => last,
    }
    .to_owned()
}

fn fields(document: &Value, operation: &Value) -> Vec<Field> {
    let mut all = Vec::new();
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    let body = resolve(document, body);
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = text(&parameter["name"]);
        // The body has it too, and there it may be anything.
        if body["properties"].get(&name).is_some() {
            continue;
        }
        let place = match parameter["in"].as_str() {
            Some("path") => ParameterIn::Path,
            Some("header") => ParameterIn::Header,
            _ => ParameterIn::Query,
        };
        let is_required = parameter["required"] == true;
        let description = text(&parameter["description"]);
        let schema = &parameter["schema"];
        all.push(field(
            document,
            name,
            place,
            is_required,
            description,
            schema,
        ));
    }
    let required = body["required"].as_array();
    for (name, schema) in body["properties"].as_object().into_iter().flatten() {
        let is_required = required.is_some_and(|all| all.iter().any(|one| one == name));
        // Of what may be null it stands beside the reference.
        let description = match schema["description"].is_string() {
            true => text(&schema["description"]),
            false => text(&schema["oneOf"][0]["description"]),
        };
        let name = name.clone();
        all.push(field(
            document,
            name,
            ParameterIn::Body,
            is_required,
            description,
            schema,
        ));
    }
    all
}

fn field(
    document: &Value,
    name: String,
    place: ParameterIn,
    is_required: bool,
    description: String,
    schema: &Value,
) -> Field {
    let mut kinds = Vec::new();
    let mut values = Vec::new();
    collect(document, schema, &mut kinds, &mut values);
    kinds.retain(|kind| kind != "null");
    Field {
        name,
        place,
        is_required,
        description,
        kinds,
        values,
        default: schema
            .get("default")
            .filter(|default| !default.is_null())
            .map(Value::to_string),
    }
}

/// The types and values that a schema takes.
fn collect(document: &Value, schema: &Value, kinds: &mut Vec<String>, values: &mut Vec<String>) {
    let schema = resolve(document, schema);
    match &schema["type"] {
        Value::String(kind) => kinds.push(kind.clone()),
        Value::Array(all) => kinds.extend(all.iter().map(text)),
        _ => {}
    }
    values.extend(schema["enum"].as_array().into_iter().flatten().map(text));
    for group in ["oneOf", "anyOf", "allOf"] {
        for one in schema[group].as_array().into_iter().flatten() {
            collect(document, one, kinds, values);
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_command_of_its_own() {
        let document = openapi::document();
        let operations = operations(&document);
        command_of(&document, &operations).debug_assert();
        let mut names: Vec<_> = operations
            .iter()
            .map(|one| format!("{} {}", one.resource, one.verb))
            .collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), operations.len());
        for name in [
            "sessions list",
            "panes send-keys",
            "events listen",
            "server info",
        ] {
            assert!(names.iter().any(|one| one == name), "{name} of {names:?}");
        }
    }

    #[test]
    fn every_field_has_help_and_a_type() {
        for operation in operations(&openapi::document()) {
            for field in operation.fields {
                let name = format!("{} {}: {}", operation.method, operation.path, field.name);
                assert!(!field.description.is_empty(), "{name} has no help");
                assert!(!field.kinds.is_empty(), "{name} has no type");
            }
        }
    }

    #[test]
    fn values_are_typed_by_the_schema() {
        let operations = operations(&openapi::document());
        let value = |path: &str, name: &str, text: &str| {
            let fits = |one: &&Operation| one.path == path && one.method == "post";
            let operation = operations.iter().find(fits).unwrap();
            let field = operation.fields.iter().find(|field| field.name == name);
            field.unwrap().value(text)
        };
        assert_eq!(value("/panes", "size", "10"), 10);
        assert_eq!(value("/panes", "size", "25%"), "25%");
        assert_eq!(value("/panes", "horizontal", "true"), true);
        assert_eq!(value("/panes/{pane_id}/send-keys", "keys", "123"), "123");
        assert_eq!(value("/panes/{pane_id}/resize", "direction", "U"), "U");
        let extra = value("/callbacks", "extra", "{\"a\": 1}");
        assert_eq!(extra["a"], 1);
    }
}
