//! Replies that are read bit by bit: the live feed, casts, and what was found.

use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::Incoming;

use super::answer::PATIENCE;
use super::{Client, Error, Result, segment};
use crate::api::{Event, SearchHit, SearchQuery};

/// The daemon sends something every 15 seconds, if only an empty message.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// How long a daemon that has gone is looked for, and how often.
const COME_BACK: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_millis(100);

/// Events as they come, over as many connections as it takes: a daemon that is
/// started again is found, and the feed goes on after the last event that was
/// read. The first event of each connection is `ready`, or `reset` where events
/// are missing.
pub struct EventFeed {
    client: Client,
    body: Incoming,
    buffer: BytesMut,
    last: Option<u64>,
}

/// A cast as it comes.
pub struct CastReader {
    client: Client,
    body: Incoming,
}

/// Hits as they are found.
pub struct SearchReader {
    client: Client,
    body: Incoming,
    buffer: BytesMut,
}

impl Client {
    /// `GET /events`: from now on, or after the event of a number. The
    /// connection is the feed's from here on.
    ///
    /// # Errors
    /// As every call.
    pub async fn events(mut self, after: Option<u64>) -> Result<EventFeed> {
        Ok(EventFeed {
            body: self.listen(after).await?,
            client: self,
            buffer: BytesMut::new(),
            last: after,
        })
    }

    async fn listen(&mut self, after: Option<u64>) -> Result<Incoming> {
        let tmux = serde_urlencoded::to_string(&self.tmux).unwrap_or_default();
        let target = format!("/events?{tmux}");
        let headers: Vec<_> = after
            .map(|number| ("last-event-id", number.to_string()))
            .into_iter()
            .collect();
        let reply = self.send(Method::GET, &target, None, &headers).await?;
        Ok(reply.into_body())
    }

    /// `GET /search`. The connection is the search's from here on.
    ///
    /// # Errors
    /// As every call.
    pub async fn search(mut self, query: &SearchQuery) -> Result<SearchReader> {
        let query = serde_urlencoded::to_string(query).unwrap_or_default();
        let target = format!("/search?{query}");
        let reply = self.send(Method::GET, &target, None, &[]).await?;
        Ok(SearchReader {
            body: reply.into_body(),
            client: self,
            buffer: BytesMut::new(),
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
            client: self,
        })
    }
}

impl SearchReader {
    /// The next hit; `None` when there are no more.
    ///
    /// # Errors
    /// When the connection breaks, also because the search took too long, or a hit
    /// cannot be read.
    pub async fn next(&mut self) -> Result<Option<SearchHit>> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer) {
                let line = self.buffer.split_to(end + 1);
                return serde_json::from_slice(&line)
                    .map(Some)
                    .map_err(Error::Reply);
            }
            match chunk(&self.client, &mut self.body, PATIENCE).await? {
                Some(bytes) => self.buffer.extend_from_slice(&bytes),
                None => return Ok(None),
            }
        }
    }
}

impl EventFeed {
    /// The next event; `None` when the daemon has gone and none came in its
    /// place within ten seconds.
    ///
    /// # Errors
    /// When the daemon does not answer, or an event cannot be read.
    pub async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\n\n") {
                let block = self.buffer.split_to(end);
                self.buffer.advance(2);
                // A block without data is a sign of life.
                if let Some(event) = read(&block)? {
                    self.last = Some(event.sequence);
                    return Ok(Some(event));
                }
                continue;
            }
            match chunk(&self.client, &mut self.body, KEEP_ALIVE).await {
                Ok(Some(bytes)) => self.buffer.extend_from_slice(&bytes),
                Ok(None) | Err(Error::Broken(_)) => {
                    if !self.come_back().await? {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Listens again; `false` when there is no daemon any more.
    async fn come_back(&mut self) -> Result<bool> {
        self.buffer.clear();
        let end = Instant::now() + COME_BACK;
        loop {
            match self.client.listen(self.last).await {
                Ok(body) => {
                    self.body = body;
                    return Ok(true);
                }
                Err(error) if error.may_pass() => {}
                Err(error) => return Err(error),
            }
            if Instant::now() > end {
                return Ok(false);
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}

impl CastReader {
    /// The next part; `None` at the end.
    ///
    /// # Errors
    /// When the connection breaks, or the daemon does not answer.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        chunk(&self.client, &mut self.body, PATIENCE).await
    }
}

async fn chunk(client: &Client, body: &mut Incoming, patience: Duration) -> Result<Option<Bytes>> {
    loop {
        let frame = client.address.wait(patience, client.link.pid, body.frame());
        match frame.await? {
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
