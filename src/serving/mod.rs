//! What the program's two HTTP servers share: the daemon's API (`http`) and the page
//! (`web`).
//!
//! `connections` takes connections in (how many, how long, how much), `gate` says
//! which requests are those of this machine, `failure` and `extract` are errors and
//! values on their way through handlers, `answer` is a process of this program that
//! looks at the archive for a client. Knows no daemon and no page.

mod answer;
mod connections;
#[cfg(test)]
pub(crate) mod document;
mod extract;
mod failure;
mod gate;
mod same_user;
mod secret;

pub(crate) use answer::{Answer, Arguments, COPY_TIME, TIME as ANSWER_TIME, too_many};
pub(crate) use connections::{Acceptor, Connections, Ending, accept_tcp, behind};
pub(crate) use extract::{Body, OptionalBody, Query};
pub(crate) use failure::{Failure, Result, no_method, no_route};
pub(crate) use gate::{Gate, Refusal, check_body, refuse};
pub(crate) use same_user::SameUser;
pub(crate) use secret::Secret;
