//! Every text that a request can hold, on every route, is a text to tmux.
//!
//! The routes and their fields come from the API's document, so that none is
//! forgotten.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::{Map, Value, json};
use tvmux::client::{Client, Error};

use super::Api;
use super::support::HOSTILE;

/// What is not walked: a stream without end, and what reaches no tmux.
const LEFT_OUT: [&str; 2] = ["/events", "/commands"];

/// Where a name is given whose new owner is the reply.
const NAMED: [&str; 4] = [
    "PATCH /sessions/{session_id} new_name",
    "PATCH /windows/{window_id} new_name",
    "POST /sessions name",
    "POST /windows name",
];

/// Stands for a name that each call has for itself.
const UNIQUE: &str = "unique";

/// Values of a call that succeeds, by the name of a parameter or a field.
fn valid(name: &str) -> Option<Value> {
    Some(match name {
        "pane_id" | "target_pane_id" => json!("%0"),
        "window_id" => json!("@0"),
        "session_id" | "session" | "target_session" => json!("$0"),
        "hook_name" => json!("client-attached"),
        "name" | "title" => json!(UNIQUE),
        "keys" | "text" | "q" => json!("typed"),
        "direction" => json!("up"),
        "on" => json!(false),
        "recording_id" => json!("main:@1"),
        "event_id" | "path" => json!("none"),
        "timeout_ms" | "quiet_ms" => json!(1),
        _ => return None,
    })
}

/// A schema without its references.
fn resolved<'a>(document: &'a Value, mut schema: &'a Value) -> &'a Value {
    while let Some(path) = schema["$ref"].as_str() {
        schema = document.pointer(&path[1..]).unwrap();
    }
    schema
}

fn is_text(schema: &Value) -> bool {
    schema["type"] == "string"
        || schema["type"]
            .as_array()
            .is_some_and(|types| types.contains(&json!("string")))
}

/// One call, and the place in it that a text is put into.
struct Call<'a> {
    method: Method,
    route: &'a str,
    parameters: Vec<(&'a str, &'a str, Value)>,
    body: Option<Map<String, Value>>,
}

impl Call<'_> {
    /// Sends it as the `number`th, with `text` in the place `field`; gives the reply.
    async fn send(
        &self,
        client: &mut Client,
        number: u32,
        field: &str,
        text: &[u8],
    ) -> Result<Option<Value>, Error> {
        let encode = |bytes: &[u8]| percent_encode(bytes, NON_ALPHANUMERIC).to_string();
        let mut target = self.route.to_owned();
        let mut query = Vec::new();
        for (name, place, value) in &self.parameters {
            let value = match (*name == field, value) {
                (true, _) => encode(text),
                (false, Value::String(value)) => encode(value.as_bytes()),
                (false, value) => value.to_string(),
            };
            match *place {
                "path" => target = target.replace(&format!("{{{name}}}"), &value),
                _ => query.push(format!("{name}={value}")),
            }
        }
        if !query.is_empty() {
            target = format!("{target}?{}", query.join("&"));
        }
        let body = self.body.clone().map(|mut body| {
            let is_field = body.contains_key(field) || !self.has_parameter(field);
            if body.get("name").is_some_and(|name| name == UNIQUE) {
                body.insert("name".to_owned(), json!(format!("unique {number}")));
            }
            if is_field {
                let text = String::from_utf8_lossy(text).into_owned();
                body.insert(field.to_owned(), Value::String(text));
            }
            serde_json::to_vec(&body).unwrap()
        });
        let reply = client.send(self.method.clone(), &target, body, &[]).await?;
        let body = http_body_util::BodyExt::collect(reply.into_body()).await;
        Ok(serde_json::from_slice(&body.unwrap().to_bytes()).ok())
    }

    fn has_parameter(&self, name: &str) -> bool {
        self.parameters.iter().any(|(known, ..)| *known == name)
    }
}

/// `text` in a shell command that does nothing with it.
fn in_command(text: &str) -> String {
    format!("exec cat >/dev/null - '{}'", text.replace('\'', r"'\''"))
}

#[tokio::test]
async fn every_text_of_every_route_is_a_text() {
    let api = Api::start();
    // What is typed there must not be run by a shell.
    api.tmux
        .tmux(&["respawn-pane", "-k", "-t", "%0", "exec cat >/dev/null"]);
    api.tmux
        .tmux(&["new-window", "-d", "-t", "main:", "exec cat >/dev/null"]);
    let mut client = api.client().await;
    let recording = json!({"window_id": "@1"}).to_string();
    let reply = client.send(
        Method::POST,
        "/recordings",
        Some(recording.into_bytes()),
        &[],
    );
    reply.await.unwrap();
    let document: Value =
        serde_json::from_str(include_str!("../../fixtures/api/openapi.json")).unwrap();
    let texts = texts();
    let mut calls = 0;
    let mut names = BTreeSet::new();
    for (route, operations) in document["paths"].as_object().unwrap() {
        if LEFT_OUT.contains(&route.as_str()) {
            continue;
        }
        for (method, operation) in operations.as_object().unwrap() {
            let is_hook = route.starts_with("/hook");
            let mut fields = Vec::new();
            let mut parameters = Vec::new();
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                let place = parameter["in"].as_str().unwrap();
                if is_text(&parameter["schema"]) {
                    fields.push(name);
                }
                if let Some(value) = valid(name) {
                    parameters.push((name, place, value));
                } else if parameter["required"] == true {
                    panic!("{route}: no value is known for {name}");
                }
            }
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let body = schema.is_object().then(|| {
                let schema = resolved(&document, schema);
                let properties = schema["properties"].as_object().unwrap();
                let texts = properties.iter().filter(|(_, schema)| is_text(schema));
                fields.extend(texts.map(|(name, _)| name.as_str()));
                let required = schema["required"].as_array().into_iter().flatten();
                let required = required.map(|name| name.as_str().unwrap());
                // What is waited for does not come.
                let is_wait = |name: &&str| ["timeout_ms", "quiet_ms"].contains(name);
                required
                    .chain(properties.keys().map(String::as_str).filter(is_wait))
                    .map(|name| {
                        let is_hook_name = is_hook && name == "name";
                        let value = valid(if is_hook_name { "hook_name" } else { name });
                        (
                            name.to_owned(),
                            value.unwrap_or_else(|| panic!("{route}: {name}")),
                        )
                    })
                    .collect::<Map<_, _>>()
            });
            let call = Call {
                method: method.to_uppercase().parse().unwrap(),
                route,
                parameters,
                body,
            };
            for field in fields {
                // The command of a hook is one of tmux, run when that happens; a
                // socket is that of another server.
                if field == "socket" || is_hook && field == "command" {
                    continue;
                }
                for text in &texts {
                    let text = text.as_slice();
                    let given = match (field, std::str::from_utf8(text)) {
                        ("command", Ok(text)) => in_command(text).into_bytes(),
                        ("start_directory" | "output_dir", _) => folder_of(&api, text),
                        ("output_file", _) => {
                            [folder_of(&api, text).as_slice(), b"/x.cast"].concat()
                        }
                        // A session's name has no `:`, and is that of no other.
                        ("name" | "new_name", Ok(text)) if route.starts_with("/sessions") => {
                            format!("{} {calls}", text.replace(':', "_")).into_bytes()
                        }
                        _ => text.to_vec(),
                    };
                    let what = format!(
                        "{method} {route}, {field}: {:?}",
                        String::from_utf8_lossy(&given)
                    );
                    calls += 1;
                    match call.send(&mut client, calls, field, &given).await {
                        Ok(reply) => {
                            if comes_back(&reply, route, field, &given, &what) {
                                names.insert(format!("{} {route} {field}", call.method));
                            }
                            if let Some(id) = reply.filter(|_| route == "/recordings") {
                                // The window's next recording is another call's.
                                let id = id["id"]
                                    .as_str()
                                    .map(|id| percent_encode(id.as_bytes(), NON_ALPHANUMERIC))
                                    .unwrap();
                                let target = format!("/recordings/{id}");
                                client
                                    .send(Method::DELETE, &target, None, &[])
                                    .await
                                    .unwrap();
                            }
                        }
                        Err(Error::Refused { status, body }) => {
                            assert!((400..500).contains(&status), "{what}: {status} {body:?}");
                        }
                        Err(error) => panic!("{what}: {error}"),
                    }
                    nothing_ran(&api, &what);
                }
            }
        }
    }
    assert!(calls > 200, "{calls} calls");
    assert_eq!(Vec::from_iter(&names), NAMED, "the names that came back");
    let pid = api.tmux.tmux(&["display-message", "-p", "#{pid}"]);
    assert_eq!(pid, api.tmux.pid().to_string(), "the server lives on");
}

/// All that is hostile in a few texts: what is printable, with control characters,
/// and with bytes that are no UTF-8.
fn texts() -> [Vec<u8>; 3] {
    let is_text = |text: &&[u8]| std::str::from_utf8(text).is_ok();
    let is_plain = |text: &&[u8]| is_text(text) && !text.iter().any(u8::is_ascii_control);
    let all: Vec<&[u8]> = HOSTILE.to_vec();
    let texts: Vec<&[u8]> = HOSTILE.into_iter().filter(is_text).collect();
    let plain: Vec<&[u8]> = HOSTILE.into_iter().filter(is_plain).collect();
    // A folder's name has 255 bytes at most.
    [plain, texts, all].map(|texts| {
        let joined = texts.join(&b' ');
        joined[joined.len().saturating_sub(250)..].to_vec()
    })
}

/// A folder of this name.
fn folder_of(api: &Api, name: &[u8]) -> Vec<u8> {
    let folder = api
        .tmux
        .folder()
        .join("folders")
        .join(OsStr::from_bytes(name));
    std::fs::create_dir_all(&folder).unwrap();
    folder.into_os_string().into_vec()
}

/// Looks whether a name that was taken is told as it was given, but for what tmux
/// makes of session names.
fn comes_back(reply: &Option<Value>, route: &str, field: &str, text: &[u8], what: &str) -> bool {
    let is_name = matches!(field, "name" | "new_name") && !route.starts_with("/hook");
    let told = reply.as_ref().and_then(|reply| reply["name"].as_str());
    let Some(told) = told.filter(|_| is_name) else {
        return false;
    };
    let mut given = String::from_utf8_lossy(text).into_owned();
    if route.starts_with("/sessions") && told != given {
        given = given.replace('.', "_");
    }
    assert_eq!(told, given, "{what}");
    true
}

fn nothing_ran(api: &Api, what: &str) {
    let folders = [
        api.tmux.folder(),
        api.tvmux.folder(),
        Path::new("/"),
        Path::new("."),
    ];
    for folder in folders {
        assert!(!folder.join("pwned").exists(), "{what}: something was run");
    }
}
