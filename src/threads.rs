//! Work done beside other work.

use std::thread;

/// Does some work on a thread of its own while other work is done here; gives what came
/// of both. Where there is no thread both are done here.
pub fn beside<A: Send, B>(aside: impl Fn() -> A + Sync, here: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let started = thread::Builder::new().spawn_scoped(scope, &aside);
        let done = here();
        let aside = match started.map(|thread| thread.join()) {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => aside(),
        };
        (aside, done)
    })
}
