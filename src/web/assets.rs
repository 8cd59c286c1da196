//! The page's files: embedded, packed once, and asked for again only when they have
//! changed.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::folders::fnv;

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("page/", $name)))),*]
    };
}

/// The page. A new file needs its name here.
const FILES: &[(&str, &[u8])] = files! {
    "api.js"
    "app.js"
    "commands.js"
    "days.js"
    "dialogs.js"
    "element.js"
    "format.js"
    "icon.svg"
    "index.html"
    "keys.js"
    "now.js"
    "playback.js"
    "player.css"
    "player.js"
    "position.js"
    "scrubber.js"
    "search.js"
    "style.css"
    "terminal.js"
};

/// A file of the page.
pub(super) struct Asset {
    name: &'static str,
    content_type: &'static str,
    plain: &'static [u8],
    packed: Bytes,
    tag: String,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |(name, plain): &(&'static str, &'static [u8])| Asset {
        name,
        content_type: content_type(name),
        plain,
        packed: pack(plain),
        tag: format!("\"{:016x}\"", fnv(plain)),
    };
    FILES.iter().map(asset).collect()
});

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

fn pack(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(plain);
    written
        .and_then(|()| encoder.finish())
        .unwrap_or_default()
        .into()
}

/// The file of that name; `index.html` for none.
pub(super) fn find(name: &str) -> Option<&'static Asset> {
    let name = if name.is_empty() { "index.html" } else { name };
    ASSETS.iter().find(|asset| asset.name == name)
}

impl Asset {
    /// The file as a reply to a request with these headers.
    pub(super) fn reply(&self, headers: &HeaderMap) -> Response {
        let accepts = |header: HeaderName, part: &str| {
            let mut values = headers.get_all(header).iter();
            values.any(|value| value.to_str().is_ok_and(|value| value.contains(part)))
        };
        let tag = HeaderValue::from_str(&self.tag);
        let mut response = if accepts(IF_NONE_MATCH, &self.tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else if accepts(ACCEPT_ENCODING, "gzip") {
            let gzip = HeaderValue::from_static("gzip");
            ([(CONTENT_ENCODING, gzip)], self.packed.clone()).into_response()
        } else {
            Bytes::from_static(self.plain).into_response()
        };
        let own = response.headers_mut();
        own.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        own.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        own.insert(VARY, HeaderValue::from_static("accept-encoding"));
        own.extend(tag.ok().map(|tag| (ETAG, tag)));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that the page may take on the wire.
    const MOST: usize = 100_000;

    #[test]
    fn the_page_is_small_and_whole() {
        let wire: usize = ASSETS.iter().map(|asset| asset.packed.len()).sum();
        assert!(wire < MOST, "{wire} bytes");
        for asset in &*ASSETS {
            assert!(!asset.packed.is_empty(), "{}", asset.name);
            assert_ne!(asset.content_type, "application/octet-stream");
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/page");
        for file in std::fs::read_dir(folder).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            assert!(find(&name).is_some(), "{name} is not served");
        }
    }
}
