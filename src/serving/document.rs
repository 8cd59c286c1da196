//! What the tests hold an OpenAPI document to, whichever server's it is.

use std::path::Path;

use serde_json::Value;

/// All operations of a document, as path, method and what is said of them.
pub(crate) fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        let item = item.as_object().unwrap().iter();
        item.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// The file of that name is the document. `TVMUX_UPDATE_FIXTURES` writes it.
pub(crate) fn assert_is_in_file(document: &Value, name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/api")
        .join(name);
    let text = serde_json::to_string_pretty(document).unwrap() + "\n";
    if std::env::var_os("TVMUX_UPDATE_FIXTURES").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let file = std::fs::read_to_string(&path).unwrap();
    let differs = text.lines().zip(file.lines()).position(|(a, b)| a != b);
    assert!(
        text == file,
        "fixtures/api/{name} differs from line {} on; \
         if that is meant, run this with TVMUX_UPDATE_FIXTURES=1",
        differs.map_or(0, |line| line + 1)
    );
}

/// The document has the operations of these routes (method, path), and no others.
pub(crate) fn assert_has_routes(document: &Value, routes: &[(&str, &str)]) {
    let mut described: Vec<_> = operations(document)
        .map(|(path, method, _)| (method.to_uppercase(), path.to_owned()))
        .collect();
    let mut routed: Vec<_> = routes
        .iter()
        .map(|(method, path)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    described.sort();
    routed.sort();
    assert_eq!(described, routed);
}
