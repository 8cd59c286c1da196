//! What real readers make of a cast, written down a second time and simply:
//! whole file in memory, serde_json for all. The library must agree.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The members that readers look at; they skip all others unseen.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Members {
    version: Value,
    width: Value,
    height: Value,
    term: Value,
    timestamp: Value,
    idle_time_limit: Value,
    command: Value,
    title: Value,
    env: Value,
    stdout: Value,
}

fn object(text: &str) -> Result<Value, String> {
    let members: Members = serde_json::from_str(text).map_err(|e| e.to_string())?;
    Ok(Value::Object(Map::from_iter([
        ("version".to_owned(), members.version),
        ("width".to_owned(), members.width),
        ("height".to_owned(), members.height),
        ("term".to_owned(), members.term),
        ("timestamp".to_owned(), members.timestamp),
        ("idle_time_limit".to_owned(), members.idle_time_limit),
        ("command".to_owned(), members.command),
        ("title".to_owned(), members.title),
        ("env".to_owned(), members.env),
        ("stdout".to_owned(), members.stdout),
    ])))
}

/// An event: time since the start, code, data.
pub type Event = (f64, String, String);

/// Reads a cast as asciinema 3.2, asciinema 2.4 and the player all do. `Err`
/// says why one of them would not read it whole.
pub fn read(cast: &[u8]) -> Result<Vec<Event>, String> {
    let text = std::str::from_utf8(cast).map_err(|e| e.to_string())?;
    if !text.ends_with('\n') {
        return Err("no final newline".into());
    }
    let first = text.lines().next().unwrap();
    let events = match object(first) {
        Ok(header) => lines(text, &header)?,
        Err(_) => document(text)?,
    };
    if events.is_empty() {
        return Err("no events".into());
    }
    for pair in events.windows(2) {
        if pair[1].0 < pair[0].0 {
            return Err(format!("{} after {}", pair[1].0, pair[0].0));
        }
    }
    Ok(events)
}

fn size(value: &Value) -> Result<(), String> {
    match value.as_u64() {
        Some(0..=65535) => Ok(()),
        _ => Err(format!("size {value}")),
    }
}

fn lines(text: &str, header: &Value) -> Result<Vec<Event>, String> {
    let version = header["version"].as_u64().ok_or("version")?;
    match version {
        2 => {
            size(&header["width"])?;
            size(&header["height"])?;
        }
        3 => {
            size(&header["term"]["cols"])?;
            size(&header["term"]["rows"])?;
        }
        other => return Err(format!("version {other} on one line")),
    }
    let optional = |key: &str, good: fn(&Value) -> bool| match header.get(key) {
        None | Some(Value::Null) => Ok(()),
        Some(value) if good(value) => Ok(()),
        Some(value) => Err(format!("{key}: {value}")),
    };
    optional("timestamp", Value::is_u64)?;
    optional("idle_time_limit", Value::is_number)?;
    optional("command", Value::is_string)?;
    optional("title", Value::is_string)?;
    optional("env", |env| {
        env.as_object()
            .is_some_and(|env| env.values().all(|v| v.is_string() || v.is_null()))
    })?;
    let mut events = Vec::new();
    let mut time = 0.0;
    for line in text.split_terminator('\n').skip(1) {
        if version == 3 && line.starts_with('#') {
            continue;
        }
        if !line.starts_with('[') {
            return Err(format!("no event: {line:?}"));
        }
        let (number, code, data): (f64, String, String) =
            serde_json::from_str(line).map_err(|e| format!("{e}: {line:?}"))?;
        if number.is_sign_negative() || !number.is_finite() {
            return Err(format!("time {number}"));
        }
        time = if version == 2 { number } else { time + number };
        if code.is_empty() || !line.contains(&format!("\"{code}\"")) {
            return Err(format!("code {code:?}"));
        }
        if code == "r" {
            let (cols, rows) = data.split_once('x').ok_or(format!("size {data}"))?;
            cols.parse::<u16>().map_err(|_| "cols")?;
            rows.parse::<u16>().map_err(|_| "rows")?;
        }
        if code == "x" && version == 3 {
            data.parse::<i32>().map_err(|_| "status")?;
        }
        events.push((time, code, data));
    }
    Ok(events)
}

fn document(text: &str) -> Result<Vec<Event>, String> {
    let document = object(text)?;
    if document["version"] != 1 {
        return Err("not v1".into());
    }
    size(&document["width"])?;
    size(&document["height"])?;
    let mut time = 0.0;
    let stdout = document["stdout"].as_array().ok_or("stdout")?;
    let event = |event: &Value| {
        let event = event.as_array().filter(|event| event.len() == 2)?;
        time += event[0]
            .as_f64()
            .filter(|delay| !delay.is_sign_negative())?;
        Some((time, "o".to_owned(), event[1].as_str()?.to_owned()))
    };
    stdout
        .iter()
        .map(event)
        .collect::<Option<_>>()
        .ok_or("event".into())
}
