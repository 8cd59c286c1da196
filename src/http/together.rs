//! Who asks the same at the same time is answered together.
//!
//! tmux does one thing at a time: while it lists some hundred panes, no
//! terminal moves. So each server is asked that once at a time, and all who
//! come meanwhile share the next question.
//!
//! Invariant: a question is put to tmux after all have come who get its answer.
//! Nobody is told of what was before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::tmux::Socket;

/// Questions about tmux servers; the one that is meant where none is named has
/// no socket here.
#[derive(Default)]
pub(super) struct Together(Mutex<HashMap<Option<Socket>, Arc<Place>>>);

/// The questions about one server.
#[derive(Default)]
struct Place {
    /// Held while one is being answered.
    turn: tokio::sync::Mutex<()>,
    /// The one that has not been put yet.
    next: Mutex<Arc<OnceCell<Bytes>>>,
}

impl Together {
    /// Gives what `query` gives, or another's query that begins after this
    /// call.
    ///
    /// # Errors
    /// Those of `query`. They are not shared: everyone has a try.
    pub(super) async fn ask<E>(
        &self,
        socket: &Option<Socket>,
        query: impl AsyncFnOnce() -> Result<Bytes, E>,
    ) -> Result<Bytes, E> {
        let place = {
            let mut places = lock(&self.0);
            places.retain(|_, place| Arc::strong_count(place) > 1);
            Arc::clone(places.entry(socket.clone()).or_default())
        };
        let question = Arc::clone(&lock(&place.next));
        let answer = question.get_or_try_init(|| async {
            let _turn = place.turn.lock().await;
            {
                let mut next = lock(&place.next);
                if Arc::ptr_eq(&next, &question) {
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
    async fn who_comes_meanwhile_shares_the_next_question() {
        let together = Together::default();
        let (count, go) = (Cell::new(0), Notify::new());
        let ask = || {
            together.ask(&None, async || {
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
        assert_eq!(lock(&together.0).len(), 1);
    }

    #[tokio::test]
    async fn an_error_is_not_shared() {
        let together = Together::default();
        let count = Cell::new(0);
        let ask = || {
            together.ask(&None, async || {
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
