//! `live.alis`: a recording as it is made, for asciinema's player and servers (ALiS
//! v1: binary messages of a WebSocket).

use std::io::Read;
use std::time::{Duration, Instant};

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use crate::cast::{Code, EventReader, Micros, ReadError};
use crate::screen::Screen;
use crate::serving::{Failure, Result};
use crate::timeline::Timeline;
use crate::view::{Theme, paint};
use crate::web::app::{App, blocking};
use crate::web::timelines::unreadable;

/// The subprotocol's name.
const PROTOCOL: &str = "v1.alis";

/// What opens a stream.
const MAGIC: &[u8] = b"ALiS\x01";

/// A ping is sent this often, so that a client that is gone is noticed.
const PING: Duration = Duration::from_secs(15);

/// How often the cast is looked at for more, and the recording for its end.
const LOOK: Duration = Duration::from_millis(33);
const LOOK_FOR_END: Duration = Duration::from_secs(2);

/// Most that is read before it is sent, in bytes.
const PIECE: usize = 256 * 1024;

/// Longest message that a client may send, in bytes: none is expected.
const LONGEST: usize = 4096;

/// Watch a recording as it is made, in asciinema's live protocol (ALiS v1).
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/casts/{id}/live.alis",
    responses((status = 101, description = "Binary messages of a WebSocket follow (`v1.alis`)."))
))]
pub(super) async fn alis(
    State(app): State<App>,
    Path(id): Path<String>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    let upgrade = upgrade.map_err(|error| {
        let message = format!("this is a WebSocket: {}", error.body_text());
        Failure::new(StatusCode::UPGRADE_REQUIRED, "no_websocket", message)
    })?;
    let place = app.stream()?;
    let (_, timeline) = app.open(&id).await?;
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(LONGEST);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _viewer = app.viewers.enter();
        // An error is the client's: it has gone.
        let _ = stream(&app, &id, timeline, socket, place).await;
    }))
}

async fn stream(
    app: &App,
    id: &str,
    timeline: Timeline,
    mut socket: WebSocket,
    _place: OwnedSemaphorePermit,
) -> Result<(), axum::Error> {
    socket.send(message(MAGIC.to_vec())).await?;
    let of_start = timeline.clone();
    let Ok((encoder, reset, reader)) = blocking(move || start(&of_start)).await else {
        return Ok(());
    };
    socket.send(message(reset)).await?;
    let mut going = Some((encoder, reader));
    let mut ending = app.ending.clone();
    let (mut pinged, mut looked) = (Instant::now(), Instant::now());
    loop {
        let Some((mut encoder, mut reader)) = going.take() else {
            return Ok(());
        };
        let read = blocking(move || {
            let messages = encoder.read(&mut reader)?;
            Ok((messages, encoder, reader))
        });
        let Ok((messages, mut encoder, reader)) = read.await else {
            return Ok(());
        };
        let is_quiet = messages.is_empty();
        for one in messages {
            socket.send(message(one)).await?;
        }
        if pinged.elapsed() > PING {
            socket.send(Message::Ping(Bytes::new())).await?;
            pinged = Instant::now();
        }
        if is_quiet && looked.elapsed() > LOOK_FOR_END {
            looked = Instant::now();
            let cast = app.catalogue.cast(id).await;
            if cast.is_ok_and(|cast| !cast.is_running()) {
                socket.send(message(encoder.end())).await?;
                return socket.send(Message::Close(None)).await;
            }
        }
        going = Some((encoder, reader));
        let pause = tokio::time::sleep(if is_quiet { LOOK } else { Duration::ZERO });
        tokio::pin!(pause);
        // What clients send (pongs, their end) is read while nothing comes.
        loop {
            tokio::select! {
                () = &mut pause => break,
                _ = ending.wait_for(|is_ending| *is_ending) => return Ok(()),
                received = socket.recv() => match received {
                    None | Some(Err(_) | Ok(Message::Close(_))) => return Ok(()),
                    Some(Ok(_)) => {}
                },
            }
        }
    }
}

fn message(bytes: Vec<u8>) -> Message {
    Message::Binary(bytes.into())
}

fn start(timeline: &Timeline) -> Result<(Encoder, Vec<u8>, EventReader<impl Read + use<>>)> {
    let now = timeline.duration().map_err(unreadable)?;
    let (screen, reader) = timeline.cut_events(now).map_err(unreadable)?;
    let mut encoder = Encoder { id: 0, time: now };
    let reset = encoder.reset(&screen, &Theme::of(timeline.header()));
    Ok((encoder, reset, reader))
}

/// Writes messages: each has the number after the one before, and the time since.
struct Encoder {
    id: u64,
    time: Micros,
}

impl Encoder {
    /// The screen that everything after it starts from.
    fn reset(&mut self, screen: &Screen, theme: &Theme) -> Vec<u8> {
        let (columns, rows) = screen.size();
        let mut out = vec![1];
        for number in [self.id, self.time, columns.into(), rows.into()] {
            push_number(number, &mut out);
        }
        out.push(16);
        let colours = [theme.foreground, theme.background].into_iter();
        for colour in colours.chain(theme.palette) {
            out.extend([colour.0, colour.1, colour.2]);
        }
        push_text(&paint(screen), &mut out);
        out
    }

    fn open(&mut self, kind: u8, time: Micros) -> Vec<u8> {
        self.id += 1;
        let time = time.max(self.time);
        let mut out = vec![kind];
        push_number(self.id, &mut out);
        push_number(time - self.time, &mut out);
        self.time = time;
        out
    }

    fn end(&mut self) -> Vec<u8> {
        self.open(4, self.time)
    }

    /// The events that have come, as messages; not all at once where there are many.
    fn read(&mut self, reader: &mut EventReader<impl Read>) -> Result<Vec<Vec<u8>>> {
        let failed = |error: ReadError| unreadable(error.into());
        let mut messages = Vec::new();
        let mut size = 0;
        while size < PIECE {
            let Some(event) = reader.next().map_err(failed)? else {
                break;
            };
            let text = event.data.to_str();
            let kind = match event.code {
                Code::Output => b'o',
                Code::Marker => b'm',
                Code::Exit => b'x',
                Code::Resize if event.size().is_some() => b'r',
                Code::Resize | Code::Input | Code::Other(_) => continue,
            };
            let mut out = self.open(kind, event.time);
            match (event.code, event.size()) {
                (Code::Resize, Some((columns, rows))) => {
                    push_number(columns.into(), &mut out);
                    push_number(rows.into(), &mut out);
                }
                (Code::Exit, _) => push_number(text.trim().parse().unwrap_or(0), &mut out),
                _ => push_text(&text, &mut out),
            }
            size += out.len();
            messages.push(out);
        }
        Ok(messages)
    }
}

/// A number in seven bits a byte, the low ones first (LEB128).
fn push_number(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn push_text(text: &str, out: &mut Vec<u8>) {
    push_number(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cast::Strictness;

    #[test]
    fn numbers_are_leb128() {
        for (number, bytes) in [
            (0, &[0][..]),
            (127, &[0x7f]),
            (128, &[0x80, 1]),
            (624_485, &[0xe5, 0x8e, 0x26]),
        ] {
            let mut out = Vec::new();
            push_number(number, &mut out);
            assert_eq!(out, bytes, "{number}");
        }
    }

    #[test]
    fn events_are_messages_with_times_since_the_last() {
        let cast = "{\"version\":2,\"width\":80,\"height\":24}\n\
                    [0.000001,\"o\",\"h\u{e9}\"]\n[0.0002,\"r\",\"100x30\"]\n[0.0002,\"i\",\"x\"]\n\
                    [0.0003,\"m\",\"\"]\n[0.0003,\"x\",\"3\"]\n";
        let mut reader = EventReader::new(cast.as_bytes(), Strictness::Strict).unwrap();
        let mut encoder = Encoder { id: 7, time: 0 };
        let messages = encoder.read(&mut reader).unwrap();
        let expected: [&[u8]; 4] = [
            b"o\x08\x01\x03h\xc3\xa9",
            b"r\x09\xc7\x01\x64\x1e",
            b"m\x0a\x64\x00",
            b"x\x0b\x00\x03",
        ];
        assert_eq!(messages, expected);
        assert_eq!(encoder.end(), b"\x04\x0c\x00");
    }
}
