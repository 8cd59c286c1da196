//! Who may come in.
//!
//! Requests of this machine alone ([`crate::serving`]), and over TCP those that show
//! the token, which no web page knows. The kernel says who is at the other end of the
//! Unix socket.

use std::net::SocketAddr;

use axum::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use axum::http::{Request, StatusCode};

use super::token::Token;
use crate::serving::{Gate, Refusal, check_body, refuse};

/// What needs no token: it describes the API and gives nothing else away.
const PUBLIC: [&str; 2] = ["/openapi.json", "/docs"];

/// Where the daemon listens on TCP, and what it asks of clients there.
#[derive(Debug, Default)]
pub struct Access {
    /// The TCP listener's address.
    pub address: Option<SocketAddr>,
    /// Why there is no TCP listener.
    pub address_error: Option<String>,
    /// The token that TCP clients must show, if any.
    pub token: Option<Token>,
}

/// How a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Tcp,
    Unix,
}

impl Access {
    /// Lets a request in, or says why not.
    pub(super) fn admit<B>(
        &self,
        transport: Transport,
        request: &Request<B>,
    ) -> Result<(), Refusal> {
        let gate = Gate {
            address: self.address,
        };
        gate.check(request)?;
        let headers = request.headers();
        if transport == Transport::Tcp && !PUBLIC.contains(&request.uri().path()) {
            self.check_token(headers)?;
        }
        check_body(headers)
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(token) = &self.token else {
            return Ok(());
        };
        let mut shown = headers.get_all(AUTHORIZATION).iter();
        let value = match (shown.next(), shown.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        };
        let shown = value.and_then(|value| {
            let (scheme, shown) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| shown.trim())
        });
        if shown.is_some_and(|shown| token.matches(shown)) {
            return Ok(());
        }
        let mut refusal = refuse(
            StatusCode::UNAUTHORIZED,
            "no_token",
            "the token is missing or wrong: send `Authorization: Bearer …`; \
             it is in the file `token` of the server's runtime folder",
        );
        let scheme = HeaderValue::from_static("Bearer realm=\"tvmux\"");
        refusal.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        Err(refusal)
    }
}
