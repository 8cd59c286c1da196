//! Who may come in.
//!
//! `tvmux web` prints an address with a ticket in it. It is good once, within a
//! quarter of an hour, and is exchanged for a cookie that this process alone knows:
//! scripts cannot read it, other sites' pages cannot send it, and browsers send it
//! only to addresses below a name that nobody can guess, since cookies know no
//! ports. Besides, [`Gate`] lets no request of another host or origin in.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::peer;
use crate::serving::{Gate, Refusal, Secret, check_body, refuse};

/// How long a ticket is good.
const TICKET_TIME: Duration = Duration::from_secs(15 * 60);

/// Tickets that nobody has used, at most: the oldest make room.
const MAX_TICKETS: usize = 32;

const COOKIE_NAME: &str = "tvmux";

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rights {
    /// Look.
    Read,
    /// Start, mark and stop recordings, too.
    Control,
}

struct Ticket {
    secret: Secret,
    rights: Rights,
    until: Instant,
}

/// What lets requests in.
pub(super) struct Doors {
    gate: Gate,
    /// The first segment of all paths but those of tickets.
    base: String,
    read: Secret,
    control: Secret,
    tickets: Mutex<Vec<Ticket>>,
}

impl Doors {
    pub(super) fn new(address: SocketAddr, base: String) -> io::Result<Doors> {
        Ok(Doors {
            gate: Gate {
                address: Some(address),
            },
            base,
            read: Secret::random()?,
            control: Secret::random()?,
            tickets: Mutex::default(),
        })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// An address that lets somebody in once.
    pub(super) fn ticket(&self, rights: Rights) -> io::Result<String> {
        let secret = Secret::random()?;
        let address = self
            .gate
            .address
            .map_or_else(String::new, |at| at.to_string());
        let url = format!("http://{address}/ticket/{}", secret.tell());
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        if tickets.len() == MAX_TICKETS {
            tickets.remove(0);
        }
        tickets.push(Ticket {
            secret,
            rights,
            until: Instant::now() + TICKET_TIME,
        });
        Ok(url)
    }

    /// The cookie for a ticket, which is used up; `None` for one that is none. `peer`
    /// is who shows it: the command line of a browser, and the ticket in it, can be
    /// read by other users of this machine.
    pub(super) fn exchange(&self, shown: &str, peer: Option<SocketAddr>) -> Option<String> {
        let own = self.gate.address?;
        if peer.is_some_and(|peer| peer::is_of_another_user(peer, own)) {
            tracing::warn!("another user has shown a ticket");
            return None;
        }
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        tickets.retain(|ticket| ticket.until > now);
        let at = tickets
            .iter()
            .position(|ticket| ticket.secret.matches(shown))?;
        let ticket = tickets.remove(at);
        let secret = match ticket.rights {
            Rights::Read => &self.read,
            Rights::Control => &self.control,
        };
        let (secret, base) = (secret.tell(), &self.base);
        Some(format!(
            "{COOKIE_NAME}={secret}; Path=/{base}/; HttpOnly; SameSite=Strict"
        ))
    }

    /// What the sender of a request may do; `None` without a cookie of this process.
    pub(super) fn rights(&self, headers: &HeaderMap) -> Option<Rights> {
        let cookies = headers.get_all(COOKIE).iter();
        let pairs = cookies
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'));
        let own = pairs.filter_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='));
        let mut rights = None;
        for shown in own {
            if self.control.matches(shown) {
                return Some(Rights::Control);
            }
            if self.read.matches(shown) {
                rights = Some(Rights::Read);
            }
        }
        rights
    }

    /// Lets a request in, or says why not.
    pub(super) fn admit(&self, request: &Request) -> Result<(), Refusal> {
        self.gate.check(request)?;
        check_body(request.headers())?;
        let is_ticket = request.uri().path().starts_with("/ticket/");
        if is_ticket || self.rights(request.headers()).is_some() {
            return Ok(());
        }
        if wants_page(request.headers()) {
            let page = sorry(
                StatusCode::UNAUTHORIZED,
                "This page is not open to you yet.",
            );
            return Err(Box::new(page));
        }
        Err(refuse(
            StatusCode::UNAUTHORIZED,
            "no_cookie",
            "run `tvmux web` again: it prints an address that lets you in",
        ))
    }
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accepted.is_some_and(|accept| accept.contains("text/html"))
}

/// A page for those who were not let in.
pub(super) fn sorry(status: StatusCode, why: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>tvmux</title></head>\
         <body><h1>tvmux</h1><p>{why} Run <code>tvmux web</code> again: it prints an \
         address that lets you in once.</p></body></html>"
    );
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(CONTENT_TYPE, html)], page).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doors() -> Doors {
        Doors::new("127.0.0.1:21591".parse().unwrap(), "base".into()).unwrap()
    }

    fn rights(doors: &Doors, cookie: &str) -> Option<Rights> {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(cookie).unwrap());
        doors.rights(&headers)
    }

    #[test]
    fn a_ticket_is_good_once() {
        let doors = doors();
        let url = doors.ticket(Rights::Read).unwrap();
        let ticket = url.rsplit('/').next().unwrap();
        assert_eq!(doors.exchange("00", None), None);
        assert_eq!(doors.exchange("", None), None);
        let cookie = doors.exchange(ticket, None).unwrap();
        assert!(cookie.ends_with("; Path=/base/; HttpOnly; SameSite=Strict"));
        assert_eq!(doors.exchange(ticket, None), None);
        let pair = cookie.split(';').next().unwrap();
        assert_eq!(rights(&doors, pair), Some(Rights::Read));
        assert_eq!(
            rights(&doors, &format!("a=b; {pair}; c=d")),
            Some(Rights::Read)
        );
        assert_eq!(rights(&doors, "tvmux=; tvmux"), None);
        assert_eq!(
            rights(&super::tests::doors(), pair),
            None,
            "of another process"
        );
    }

    #[test]
    fn unused_tickets_are_few() {
        let doors = doors();
        let first = doors.ticket(Rights::Control).unwrap();
        for _ in 0..MAX_TICKETS {
            doors.ticket(Rights::Read).unwrap();
        }
        let ticket = first.rsplit('/').next().unwrap();
        assert_eq!(doors.exchange(ticket, None), None);
    }
}
