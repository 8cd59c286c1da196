//! Valid casts to start from.
#![allow(dead_code, reason = "each user takes some of them")]

/// A v2 cast with every code, escapes, wide characters and emoji.
pub fn v2() -> Vec<u8> {
    concat!(
        "{\"version\": 2, \"width\": 80, \"height\": 24, \"timestamp\": 1700000000, ",
        "\"env\": {\"SHELL\": \"/bin/zsh\", \"TERM\": \"xterm-256color\"}, \"title\": \"a \\\"demo\\\"\"}\n",
        "[0.100000, \"o\", \"$ \"]\n",
        "[0.250000, \"i\", \"l\"]\n",
        "[0.250010, \"o\", \"l\"]\n",
        "[0.500000, \"o\", \"\\u001b[1;32mfile\\u001b[0m\\r\\n\"]\n",
        "[0.750000, \"r\", \"100x30\"]\n",
        "[1.000000, \"m\", \"a marker\"]\n",
        "[1.250000, \"o\", \"größe 漢字 😀 \\\\ \\\"q\\\" \\ud83d\\ude00\"]\n",
        "[2, \"o\", \"\"]\n",
        "[2.5,\"o\",\"{\\\"version\\\": 2}\\n[0.1, \\\"o\\\", \\\"x\\\"]\"]\n",
        "[3.000001, \"o\", \"logout\\r\\n\"]\n",
        "[3.100000, \"x\", \"0\"]\n",
    )
    .into()
}

/// A v3 cast with comments.
pub fn v3() -> Vec<u8> {
    concat!(
        "{\"version\": 3, \"term\": {\"cols\": 100, \"rows\": 40, \"type\": \"xterm\", ",
        "\"theme\": {\"fg\": \"#ffffff\", \"bg\": \"#000000\", ",
        "\"palette\": \"#111111:#222222:#333333:#444444:#555555:#666666:#777777:#888888\"}}, ",
        "\"idle_time_limit\": 2.5}\n",
        "# a comment\n",
        "[0.1, \"o\", \"$ \"]\n",
        "[0.05, \"o\", \"\\u001b[H\\u001b[2Jdone\"]\n",
        "# größer\n",
        "[1.5, \"r\", \"90x20\"]\n",
        "[0, \"m\", \"\"]\n",
        "[0.001, \"i\", \"\\u0004\"]\n",
        "[0.25, \"x\", \"-1\"]\n",
    )
    .into()
}

/// A v1 document over several lines.
pub fn v1() -> Vec<u8> {
    concat!(
        "{\n  \"version\": 1,\n  \"width\": 80,\n  \"height\": 24,\n  \"duration\": 1.5,\n",
        "  \"command\": \"/bin/zsh\",\n  \"title\": \"\",\n  \"env\": {\"TERM\": \"xterm\"},\n",
        "  \"stdout\": [\n    [\n      0.25,\n      \"hello \"\n    ],\n",
        "    [1.0, \"w\\u00f6rld \\\"x\\\"\\r\\n\"],\n    [0.25, \"漢字\"]\n  ]\n}\n",
    )
    .into()
}

/// Short ones, for tests that go through very many.
pub fn short() -> Vec<Vec<u8>> {
    let v1 = concat!(
        "{\"version\": 1, \"width\": 80, \"height\": 24,\n\"stdout\": [[0.25, \"a\"],\n",
        "[1, \"\\u001b[mé\"]], \"title\": \"t\"}\n",
    );
    let v2 = concat!(
        "{\"version\": 2, \"width\": 80, \"height\": 24}\n[0.1, \"o\", \"a\"]\n",
        "[0.25,\"o\",\"\\u001b[m é\"]\n[0.5, \"r\", \"9x8\"]\n[1, \"i\", \"\\ud83d\\ude00\"]\n",
    );
    let v3 = concat!(
        "{\"version\": 3, \"term\": {\"cols\": 9, \"rows\": 8}}\n[0.1, \"o\", \"a\"]\n# c\n",
        "[0.25,\"o\",\"\\u001b[m é\"]\n[0.5, \"x\", \"0\"]\n",
    );
    [v1, v2, v3].map(|text| text.as_bytes().to_vec()).into()
}

/// All of them, with their names.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    vec![("v1", v1()), ("v2", v2()), ("v3", v3())]
}

/// The lines of a v2 cast long enough for several blocks.
pub fn long_v2(events: usize) -> Vec<u8> {
    let mut text = b"{\"version\": 2, \"width\": 80, \"height\": 24}\n".to_vec();
    for i in 0..events {
        let (seconds, micros) = (i / 1000, i % 1000 * 1000);
        let line = match i % 50 {
            7 => format!("[{seconds}.{micros:06}, \"r\", \"{}x24\"]\n", 80 + i % 9),
            13 => format!("[{seconds}.{micros:06}, \"i\", \"\\u001b[A\"]\n"),
            n => format!(
                "[{seconds}.{micros:06}, \"o\", \"line {i} \\u001b[{n}mcolour\\u001b[0m é 漢 {}\"]\n",
                "x".repeat(i % 120)
            ),
        };
        text.extend_from_slice(line.as_bytes());
    }
    text
}
