//! Answers that a short-lived process of this program gives: what takes the archive
//! is not done in the process that records.
//!
//! What it prints is handed on as it comes. Its arguments go to its standard input,
//! since everybody on the machine may see a command line.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::BytesMut;
use futures_util::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::failure::{Failure, Result};
use crate::api::SearchQuery;

/// Time for an answer, to its end.
pub(crate) const TIME: Duration = Duration::from_secs(30);

/// Time for a cast that several are made into, to its end: a client may read slowly.
pub(crate) const COPY_TIME: Duration = Duration::from_secs(3600);

/// Most of an answer in memory at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// Most that is read of what the process says went wrong, in bytes.
const SAID: u64 = 4096;

/// Hits of a search that does not say how many.
const HITS: u32 = 100;

/// Command-line arguments: of the fields that are given, `--name=value`.
#[derive(Default)]
pub(crate) struct Arguments(Vec<String>);

impl Arguments {
    pub(crate) fn of(verb: &str) -> Arguments {
        Arguments(vec![verb.to_owned(), "--json".to_owned()])
    }

    /// A cast and those in which its recording goes on, as one.
    pub(crate) fn of_chain(cast: String) -> Arguments {
        let words = ["cat", "--output=-", "--to=v2"].map(str::to_owned);
        Arguments(words.to_vec()).word(Some(cast))
    }

    pub(crate) fn flag(mut self, name: &str, is_given: bool) -> Arguments {
        self.0.extend(is_given.then(|| format!("--{name}")));
        self
    }

    pub(crate) fn field(mut self, name: &str, value: Option<impl ToString>) -> Arguments {
        let value = value.map(|value| format!("--{name}={}", value.to_string()));
        self.0.extend(value);
        self
    }

    pub(crate) fn of_search(query: SearchQuery) -> Arguments {
        Arguments::of("search")
            .flag("regex", query.regex)
            .flag("word", query.word)
            .field("limit", query.limit.or(Some(HITS)))
            .field("context", query.context)
            .field("by", Some(query.by.name()))
            .field("since", query.since)
            .field("until", query.until)
            .field("session", query.session)
            .field("window", query.window)
            .field("host", query.host)
            .field("title", query.title)
            .field("command", query.command)
            .flag("failed", query.failed)
            .field("in", query.cast)
            .word(Some(query.q))
    }

    /// What is no option, whatever it looks like.
    pub(crate) fn word(mut self, word: Option<String>) -> Arguments {
        self.0
            .extend(word.into_iter().flat_map(|word| ["--".to_owned(), word]));
        self
    }
}

/// The reply where as many processes answer as may.
pub(crate) fn too_many() -> Failure {
    Failure::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too_many_searches",
        "too many clients look at the archive",
    )
}

/// A process that has started to answer.
pub(crate) struct Answer {
    child: Child,
    output: ChildStdout,
    /// What came so far and was not handed on.
    first: BytesMut,
    end: Instant,
}

impl Answer {
    /// Starts it, and waits for the first that it prints, or its end: from then on it
    /// is known whether there is an answer.
    pub(crate) async fn start(
        mut command: Command,
        arguments: &Arguments,
        time: Duration,
    ) -> Result<Answer> {
        let end = Instant::now() + time;
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(Failure::internal)?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that does not read says why it has ended.
            let input = serde_json::to_vec(&arguments.0).map_err(Failure::internal)?;
            let _ = stdin.write_all(&input).await;
        }
        let Some(output) = child.stdout.take() else {
            return Err(Failure::internal(io::Error::other("no output")));
        };
        let mut answer = Answer {
            child,
            output,
            first: BytesMut::new(),
            end,
        };
        match answer.read().await {
            Ok(Some(first)) => answer.first = first,
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                return Err(Failure::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "too_slow",
                    "the archive did not answer in time; ask for less of it",
                ));
            }
            Err(_) => return Err(answer.failure().await),
        }
        Ok(answer)
    }

    /// The next of the answer; `None` at its end.
    pub(crate) async fn next(&mut self) -> io::Result<Option<BytesMut>> {
        let first = self.first.split();
        match first.is_empty() {
            true => self.read().await,
            false => Ok(Some(first)),
        }
    }

    /// The next that it prints; `None` at its end, if it has done what it was asked.
    async fn read(&mut self) -> io::Result<Option<BytesMut>> {
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        let mut chunk = BytesMut::with_capacity(CHUNK);
        let read = self.output.read_buf(&mut chunk);
        if timeout_at(self.end, read).await.map_err(late)?? > 0 {
            return Ok(Some(chunk));
        }
        let status = timeout_at(self.end, self.child.wait()).await;
        match status.map_err(late)??.success() {
            true => Ok(None),
            false => Err(io::Error::other("it could not answer")),
        }
    }

    /// Why there is no answer, as the process has said it.
    async fn failure(&mut self) -> Failure {
        let mut said = Vec::new();
        if let Some(errors) = self.child.stderr.take() {
            let mut errors = errors.take(SAID);
            let _ = timeout_at(self.end, errors.read_to_end(&mut said)).await;
        }
        let said = String::from_utf8_lossy(&said);
        // One of several lines says in the last what is wrong.
        let errors = said.lines().filter_map(|line| line.strip_prefix("error: "));
        let why = errors.collect::<Vec<_>>().join(" ");
        match self.child.try_wait() {
            Ok(Some(status)) if status.code() == Some(2) && !why.is_empty() => {
                Failure::invalid(why)
            }
            _ => Failure::internal(io::Error::other(match &*why {
                "" => "the archive cannot be looked at".to_owned(),
                _ => why,
            })),
        }
    }

    /// All of it as the body of a reply, which keeps `place` as long as it goes on.
    pub(crate) fn into_body(self, place: OwnedSemaphorePermit) -> Body {
        // After an error nothing follows: the reply is visibly cut.
        let chunks = stream::unfold(Some((self, place)), |going| async {
            let (mut answer, place) = going?;
            let next = answer.next().await.transpose()?;
            let going = next.is_ok().then_some((answer, place));
            Some((next.map(BytesMut::freeze), going))
        });
        Body::from_stream(chunks)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use std::sync::Arc;

    use axum::response::IntoResponse;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::serving::Result;

    async fn answer(script: &str, time: Duration) -> Result<Answer> {
        let mut command = Command::new("sh");
        command.args(["-c", script]).kill_on_drop(true);
        Answer::start(command, &Arguments::of("asked"), time).await
    }

    async fn body(answer: Answer) -> std::result::Result<String, axum::Error> {
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let body = answer.into_body(place).collect().await?;
        Ok(String::from_utf8(body.to_bytes().to_vec()).unwrap())
    }

    async fn refused(script: &str, time: Duration) -> u16 {
        let Err(failure) = answer(script, time).await else {
            panic!("{script} is an answer");
        };
        failure.into_response().status().as_u16()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn what_is_printed_is_the_answer() {
        let whole = answer("cat; seq 100000", LONG).await.unwrap();
        let text = body(whole).await.unwrap();
        assert!(text.starts_with("[\"asked\",\"--json\"]1\n2\n") && text.ends_with("\n100000\n"));
        let nothing = answer("exit 0", LONG).await.unwrap();
        assert_eq!(body(nothing).await.unwrap(), "");
        let warned = answer("echo warning: old >&2; echo x", LONG).await.unwrap();
        assert_eq!(body(warned).await.unwrap(), "x\n");
    }

    #[tokio::test]
    async fn what_went_wrong_is_told() {
        assert_eq!(
            refused("echo error: bad pattern >&2; exit 2", LONG).await,
            422
        );
        assert_eq!(refused("echo error: no room >&2; exit 1", LONG).await, 500);
        assert_eq!(refused("kill -9 $$", LONG).await, 500);
        assert_eq!(
            refused("exec sleep 100", Duration::from_millis(50)).await,
            503
        );
        let cut = answer("echo half; exit 1", LONG).await.unwrap();
        assert!(
            body(cut).await.is_err(),
            "an answer that is cut is no whole one"
        );
        let slow = answer("echo half; exec sleep 100", Duration::from_secs(1));
        assert!(body(slow.await.unwrap()).await.is_err());
    }
}
