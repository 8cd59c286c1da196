//! Clients that ask the same at the same time share one answer.
//!
//! tmux does one thing at a time: while it lists some hundred panes, no
//! terminal moves. So each server is asked that once at a time, and all that
//! ask meanwhile share the next query.
//!
//! Invariant: a query is sent to tmux after every request that gets its answer
//! has come in. No answer is older than its request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::tmux::Socket;

/// One query at a time for each tmux server.
#[derive(Default)]
pub(super) struct SingleFlight(Mutex<HashMap<Socket, Arc<Queries>>>);

/// The queries of one server.
#[derive(Default)]
struct Queries {
    /// Held while one is being answered.
    turn: tokio::sync::Mutex<()>,
    /// The one that has not been sent yet.
    next: Mutex<Arc<OnceCell<Bytes>>>,
}

impl SingleFlight {
    /// Gives what `query` gives, or the query of another call that starts after
    /// this one.
    ///
    /// # Errors
    /// Those of `query`. They are not shared: every call tries for itself.
    pub(super) async fn ask<E>(
        &self,
        socket: &Socket,
        query: impl AsyncFnOnce() -> Result<Bytes, E>,
    ) -> Result<Bytes, E> {
        let queries = {
            let mut all = lock(&self.0);
            all.retain(|_, queries| Arc::strong_count(queries) > 1);
            Arc::clone(all.entry(socket.clone()).or_default())
        };
        let own = Arc::clone(&lock(&queries.next));
        let answer = own.get_or_try_init(|| async {
            let _turn = queries.turn.lock().await;
            {
                let mut next = lock(&queries.next);
                if Arc::ptr_eq(&next, &own) {
                    *next = Arc::default();
                }
            }
            query().await
        });
        answer.await.cloned()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|error| error.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use tokio::sync::Notify;

    #[tokio::test]
    async fn calls_during_a_query_share_the_next_one() {
        let flight = SingleFlight::default();
        let server = Socket::default_server();
        let (count, go) = (Cell::new(0), Notify::new());
        let ask = || {
            flight.ask(&server, async || {
                count.set(count.get() + 1);
                let number = count.get();
                go.notified().await;
                Ok::<_, ()>(Bytes::from(number.to_string()))
            })
        };
        let first = ask();
        let late = async {
            // The first is being answered by now.
            while count.get() == 0 {
                tokio::task::yield_now().await;
            }
            let (a, b, c, ()) = tokio::join!(ask(), ask(), ask(), async {
                tokio::task::yield_now().await;
                go.notify_one();
                while count.get() == 1 {
                    tokio::task::yield_now().await;
                }
                go.notify_one();
            });
            [a, b, c].map(|answer| answer.unwrap())
        };
        let (first, late) = tokio::join!(first, late);
        assert_eq!(first.unwrap(), "1");
        assert_eq!(late, ["2", "2", "2"]);
        assert_eq!(count.get(), 2);
        go.notify_one();
        assert_eq!(ask().await.unwrap(), "3");
        assert_eq!(lock(&flight.0).len(), 1);
    }

    #[tokio::test]
    async fn an_error_is_not_shared() {
        let flight = SingleFlight::default();
        let server = Socket::default_server();
        let count = Cell::new(0);
        let ask = || {
            flight.ask(&server, async || {
                count.set(count.get() + 1);
                match count.get() {
                    1 => Err("once"),
                    _ => Ok(Bytes::from_static(b"answer")),
                }
            })
        };
        let (a, b) = tokio::join!(ask(), ask());
        assert_eq!(a, Err("once"));
        assert_eq!(b.unwrap(), "answer");
    }
}
