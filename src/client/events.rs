//! Replies that are read bit by bit: the live feed, and casts.

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::Incoming;

use super::{Client, Error, Result, segment};
use crate::api::Event;

/// Events as they come. Ends with its connection.
pub struct EventReader {
    body: Incoming,
    buffer: BytesMut,
    _client: Client,
}

/// A cast as it comes.
pub struct CastReader {
    body: Incoming,
    _client: Client,
}

impl Client {
    /// `GET /events`: from now on, or after the event of a number. The
    /// connection is the feed's from here on.
    ///
    /// # Errors
    /// As every call.
    pub async fn events(mut self, after: Option<u64>) -> Result<EventReader> {
        let tmux = serde_urlencoded::to_string(&self.tmux).unwrap_or_default();
        let target = format!("/events?{tmux}");
        let headers: Vec<_> = after
            .map(|number| ("last-event-id", number.to_string()))
            .into_iter()
            .collect();
        let reply = self.send(Method::GET, &target, None, &headers).await?;
        Ok(EventReader {
            body: reply.into_body(),
            buffer: BytesMut::new(),
            _client: self,
        })
    }

    /// `GET /casts/{path}`. The connection is the cast's from here on.
    ///
    /// # Errors
    /// As every call.
    pub async fn cast(mut self, path: &str) -> Result<CastReader> {
        let target = format!("/casts/{}", segment(path)?);
        let reply = self.send(Method::GET, &target, None, &[]).await?;
        Ok(CastReader {
            body: reply.into_body(),
            _client: self,
        })
    }
}

impl EventReader {
    /// The next event; `None` when the feed is over.
    ///
    /// # Errors
    /// When the connection breaks, or an event cannot be read.
    pub async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\n\n") {
                let block = self.buffer.split_to(end);
                self.buffer.advance(2);
                // A block without data is a sign of life.
                if let Some(event) = read(&block)? {
                    return Ok(Some(event));
                }
                continue;
            }
            match chunk(&mut self.body).await? {
                Some(bytes) => self.buffer.extend_from_slice(&bytes),
                None => return Ok(None),
            }
        }
    }
}

impl CastReader {
    /// The next part; `None` at the end.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        chunk(&mut self.body).await
    }
}

async fn chunk(body: &mut Incoming) -> Result<Option<Bytes>> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(frame) => {
                if let Ok(bytes) = frame.map_err(Error::Broken)?.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
}

/// An event from a block of `name: value` lines.
fn read(block: &[u8]) -> Result<Option<Event>> {
    let mut lines = block.split(|byte| *byte == b'\n');
    let data = lines.find_map(|line| line.strip_prefix(b"data: "));
    data.map(|data| serde_json::from_slice(data).map_err(Error::Reply))
        .transpose()
}
