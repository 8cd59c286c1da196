//! Which requests are those of this machine.
//!
//! A web page can send requests to any port of the loopback interface. It
//! cannot choose their `Host` (except by rebinding a name of its own to this
//! address), or leave out their `Origin` where they can do harm. So each request
//! names this host, comes from no other origin, and carries no body but JSON, which
//! a page may not send unasked.

use std::net::SocketAddr;

use axum::http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    TRANSFER_ENCODING,
};
use axum::http::{Request, StatusCode, Version};
use axum::response::{IntoResponse, Response};

use super::failure::Failure;

/// Largest body, in bytes.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// Names of this machine as a client on it may use them.
const HOSTS: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Where requests come in, as their `Host` and `Origin` must say it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gate {
    /// The TCP listener's address.
    pub(crate) address: Option<SocketAddr>,
}

impl Gate {
    /// Whether a request is one of this machine's: HTTP/1.1, to this host, from no
    /// other origin. Its body is another matter: [`check_body`].
    pub(crate) fn check<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        if request.version() != Version::HTTP_11 {
            return Err(refuse(
                StatusCode::BAD_REQUEST,
                "http_version",
                "HTTP/1.1 is required",
            ));
        }
        self.check_host(request)?;
        self.check_origin(request.headers())
    }

    fn check_host<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let mut hosts = request.headers().get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(refuse(
                StatusCode::BAD_REQUEST,
                "no_host",
                "one Host header is required",
            ));
        };
        let target = request
            .uri()
            .authority()
            .map(|authority| authority.as_str());
        let is_own = |host: &str| self.is_own_host(host);
        if host.to_str().is_ok_and(is_own) && target.is_none_or(is_own) {
            return Ok(());
        }
        Err(refuse(
            StatusCode::FORBIDDEN,
            "foreign_host",
            "this host is not served here; ask 127.0.0.1 or localhost",
        ))
    }

    /// Whether `host` is this machine's, with the right port or none.
    fn is_own_host(&self, host: &str) -> bool {
        let end = host.rfind(']').map_or(0, |bracket| bracket + 1);
        let (name, port) = match host[end..].rfind(':') {
            Some(colon) => (&host[..end + colon], Some(&host[end + colon + 1..])),
            None => (host, None),
        };
        let is_right = |port: &str| {
            let own = self.address.map(|address| address.port().to_string());
            own.as_deref() == Some(port)
        };
        HOSTS.iter().any(|own| own.eq_ignore_ascii_case(name)) && port.is_none_or(is_right)
    }

    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let is_own = |origin: &HeaderValue| {
            let host = origin.to_str().ok()?.strip_prefix("http://")?;
            // Another port is another origin; one that is not named is port 80.
            let has_port = host.rfind(':') > host.rfind(']');
            Some(has_port && self.is_own_host(host))
        };
        let foreign = || {
            refuse(
                StatusCode::FORBIDDEN,
                "foreign_origin",
                "requests from other origins are refused",
            )
        };
        if headers
            .get_all(ORIGIN)
            .iter()
            .any(|origin| is_own(origin) != Some(true))
        {
            return Err(foreign());
        }
        // A browser says of each request where it comes from, also of those
        // that have no origin, such as that of an image.
        static SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
        let is_own = |site: &HeaderValue| site == "same-origin" || site == "none";
        match headers.get_all(&SITE).iter().all(is_own) {
            true => Ok(()),
            false => Err(foreign()),
        }
    }
}

/// A reply that says why a request was not let in.
pub(crate) type Refusal = Box<Response>;

pub(crate) fn refuse(status: StatusCode, code: &str, message: &str) -> Refusal {
    tracing::debug!(code, "a request was turned away");
    Box::new(Failure::new(status, code, message).into_response())
}

pub(super) fn too_large() -> Failure {
    let message = format!("the body is larger than {MAX_BODY} bytes");
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
}

/// Whether a body, where there is one, is JSON and not too large.
pub(crate) fn check_body(headers: &HeaderMap) -> Result<(), Refusal> {
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(Box::new(too_large().into_response()));
    }
    let has_body = length.unwrap_or(0) > 0 || headers.contains_key(TRANSFER_ENCODING);
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let kind = kinds.next();
    let is_json = |kind: &HeaderValue| {
        let kind = kind.to_str().ok()?.split(';').next()?;
        Some(kind.trim().eq_ignore_ascii_case("application/json"))
    };
    let fits = kind.is_some_and(|kind| is_json(kind) == Some(true)) && kinds.next().is_none();
    if has_body && !fits {
        return Err(refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "no_json",
            "a body must be `Content-Type: application/json`",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate {
            address: "127.0.0.1:21590".parse().ok(),
        }
    }

    #[test]
    fn own_hosts_are_known() {
        for own in [
            "127.0.0.1",
            "localhost",
            "LOCALHOST:21590",
            "127.0.0.1:21590",
            "[::1]",
            "[::1]:21590",
        ] {
            assert!(gate().is_own_host(own), "{own}");
        }
        for foreign in [
            "",
            ":21590",
            "evil.example",
            "evil.example:21590",
            "127.0.0.1:80",
            "127.0.0.1:",
            "127.0.0.1.evil.example",
            "localhost.",
            "::1",
            "[::1",
            "[::1]x:21590",
            "0.0.0.0:21590",
            "user@localhost",
        ] {
            assert!(!gate().is_own_host(foreign), "{foreign}");
        }
    }

    #[test]
    fn only_the_own_origin_is_taken() {
        let verdict = |origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
            gate().check_origin(&headers).is_ok()
        };
        assert!(verdict("http://127.0.0.1:21590"));
        assert!(verdict("http://localhost:21590"));
        for foreign in [
            "null",
            "http://localhost",
            "http://localhost:80",
            "https://localhost:21590",
            "http://evil.example:21590",
            "http://[::1]",
            "",
        ] {
            assert!(!verdict(foreign), "{foreign}");
        }
    }
}
