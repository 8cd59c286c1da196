//! What the archive knows, over the API: by processes that end with their answer.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use tvmux::api::{CastFilter, SearchOrder, SearchQuery};
use tvmux::client::{Client, Error, SearchReader};

use super::Api;
use super::support::{DEADLINE, HOSTILE};

/// A cast in which these lines are shown.
fn cast(api: &Api, name: &str, started: u64, lines: &[&str]) -> PathBuf {
    let header = format!(
        "{{\"version\": 2, \"width\": 80, \"height\": 6, \"timestamp\": {started}, \"title\": \"A {name}\"}}\n"
    );
    let event = |(at, line): (usize, &&str)| {
        let text = serde_json::to_string(&format!("{line}\r\n")).unwrap();
        format!("[{}.5, \"o\", {text}]\n", at + 1)
    };
    let events: String = lines.iter().enumerate().map(event).collect();
    let path = api.tvmux.folder().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, header + &events).unwrap();
    path
}

fn filled(variables: &[(&str, &str)]) -> Api {
    let api = Api::with(variables);
    let older = "casts/2026-11/2026-11-01_1000_box_work_@3_vim.cast";
    cast(&api, older, 1_793_527_200, &["one needle", "two Needles"]);
    let newer = "casts/2026-11-20_1000_box_main_@4_sh.cast";
    cast(&api, newer, 1_795_168_800, &["a needle in main"]);
    api
}

#[tokio::test]
async fn a_recording_that_went_on_is_given_as_one_cast() {
    let api = Api::start();
    let first = cast(&api, "casts/x.cast", 1_793_527_200, &["one", "two"]);
    let mut next = String::from(
        "{\"version\": 2, \"width\": 80, \"height\": 6, \"tvmux\": {\"part\": 2, \
         \"previous\": \"x.cast\", \"screen\": 5}}\n[0.0, \"o\", \"one\\r\\n\"]\n",
    );
    next += "[0.25, \"o\", \"three\\r\\n\"]\n";
    fs::write(tvmux::chain::part_path(&first, 2), next).unwrap();
    let mut reader = api.client().await.cast("x.cast").await.unwrap();
    let mut given = Vec::new();
    while let Some(chunk) = reader.chunk().await.unwrap() {
        given.extend_from_slice(&chunk);
    }
    let joined = api.tvmux.folder().join("joined.cast");
    api.tvmux.ok([
        "cat".as_ref(),
        first.as_os_str(),
        "-o".as_ref(),
        joined.as_os_str(),
    ]);
    let given = String::from_utf8(given).unwrap();
    assert_eq!(given, fs::read_to_string(joined).unwrap());
    assert!(given.contains("[2.750000, \"o\", \"three"), "{given}");
    // The last one by itself.
    let mut reader = api.client().await.cast("x.part002.cast").await.unwrap();
    let part = reader.chunk().await.unwrap().unwrap();
    assert!(part.starts_with(b"{") && String::from_utf8_lossy(&part).contains("\"part\": 2"));
}

fn query(q: &str) -> SearchQuery {
    SearchQuery {
        q: q.to_owned(),
        ..SearchQuery::default()
    }
}

/// All lines that a search finds.
async fn found(api: &Api, query: &SearchQuery) -> Vec<String> {
    let mut reader = api.client().await.search(query).await.unwrap();
    let mut lines = Vec::new();
    while let Some(hit) = reader.next().await.unwrap() {
        lines.push(hit.line);
    }
    lines
}

fn refused<T>(outcome: Result<T, Error>) -> (u16, String) {
    match outcome {
        Err(Error::Refused { status, body }) => (status, body.message),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was not refused"),
    }
}

/// Waits until no process lives that the daemon has started; the connections of this
/// process go on meanwhile.
async fn nobody_answers(api: &Api) {
    let pid = api.tvmux.server_pid().unwrap();
    let children = format!("/proc/{pid}/task/{pid}/children");
    let end = Instant::now() + DEADLINE;
    while !fs::read_to_string(&children).unwrap().is_empty() {
        assert!(Instant::now() < end, "it still answers");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn casts_are_listed_as_ls_lists_them() {
    let elsewhere = tempfile::tempdir().unwrap();
    let api = filled(&[(
        "TVMUX_ARCHIVE_DIRECTORIES",
        elsewhere.path().to_str().unwrap(),
    )]);
    let other = elsewhere.path().join("demo.cast");
    fs::write(&other, "{\"version\": 2, \"width\": 10, \"height\": 2}\n").unwrap();
    let secret = api.tvmux.folder().join("secret.cast");
    fs::write(&secret, "secret").unwrap();

    let mut client = api.client().await;
    let all = client.casts(&CastFilter::default()).await.unwrap();
    let listed: Value = serde_json::from_str(&api.tvmux.ok(["ls", "--json"])).unwrap();
    assert_eq!(serde_json::to_value(&all).unwrap(), listed);
    let paths: Vec<&str> = all.iter().map(|cast| cast.path.as_str()).collect();
    let other = other.canonicalize().unwrap();
    let expected = [
        other.to_str().unwrap(),
        "2026-11-20_1000_box_main_@4_sh.cast",
        "2026-11/2026-11-01_1000_box_work_@3_vim.cast",
    ];
    assert_eq!(paths, expected);
    assert_eq!(
        all[2].title.as_deref(),
        Some("A casts/2026-11/2026-11-01_1000_box_work_@3_vim.cast")
    );
    assert!(all.iter().all(|cast| !cast.active && cast.bytes > 0));

    let filter = CastFilter::default;
    let of = |name: &str| Some(name.to_owned());
    for (filter, count) in [
        (
            CastFilter {
                session: of("work"),
                ..filter()
            },
            1,
        ),
        (
            CastFilter {
                window: of("@4"),
                ..filter()
            },
            1,
        ),
        (
            CastFilter {
                host: of("other"),
                ..filter()
            },
            0,
        ),
        (
            CastFilter {
                filter: of("VIM"),
                ..filter()
            },
            1,
        ),
        (
            CastFilter {
                filter: of("--json"),
                ..filter()
            },
            0,
        ),
        (
            CastFilter {
                title: of("a casts"),
                until: of("2026-11-05"),
                ..filter()
            },
            1,
        ),
        (
            CastFilter {
                since: of("2026-11-10"),
                limit: Some(1),
                ..filter()
            },
            1,
        ),
        (
            CastFilter {
                running: true,
                ..filter()
            },
            0,
        ),
    ] {
        assert_eq!(
            client.casts(&filter).await.unwrap().len(),
            count,
            "{filter:?}"
        );
    }
    let bad = CastFilter {
        since: of("soon"),
        ..filter()
    };
    let (status, message) = refused(client.casts(&bad).await);
    assert_eq!(status, 422);
    assert!(message.contains("`soon` is no time"), "{message}");

    // What is listed can be had, and nothing else.
    for cast in &all {
        let client = api.client().await;
        assert!(client.cast(&cast.path).await.is_ok(), "{}", cast.path);
    }
    let outside = api.client().await.cast(secret.to_str().unwrap()).await;
    assert_eq!(refused(outside.map(drop)).0, 404);
}

#[tokio::test]
async fn what_was_shown_is_found() {
    let api = filled(&[]);
    let all = ["a needle in main", "one needle", "two Needles"];
    assert_eq!(found(&api, &query("needle")).await, all);
    let told = api.tvmux.ok(["search", "--json", "needle"]);
    let reply = api
        .client()
        .await
        .send(hyper::Method::GET, "/search?q=needle", None, &[])
        .await
        .unwrap();
    assert_eq!(reply.headers()["content-type"], "application/x-ndjson");
    let body = http_body_util::BodyExt::collect(reply.into_body()).await;
    assert_eq!(body.unwrap().to_bytes(), told.as_bytes());
    let printed = api.tvmux.ok(["api", "search", "list", "--q", "needle"]);
    assert_eq!(printed, told);

    let of = |text: &str| Some(text.to_owned());
    for (query, expected) in [
        (query("Needle"), &all[2..]),
        (
            SearchQuery {
                word: true,
                ..query("needle")
            },
            &all[..2],
        ),
        (
            SearchQuery {
                regex: true,
                ..query("^(one|two)")
            },
            &all[1..],
        ),
        (
            SearchQuery {
                limit: Some(1),
                ..query("needle")
            },
            &all[..1],
        ),
        (
            SearchQuery {
                session: of("work"),
                ..query("needle")
            },
            &all[1..],
        ),
        (
            SearchQuery {
                cast: of("@latest"),
                ..query("needle")
            },
            &all[..1],
        ),
        (
            SearchQuery {
                until: of("2026-11-05"),
                ..query("needle")
            },
            &all[1..],
        ),
        (
            SearchQuery {
                command: of("make"),
                ..query("needle")
            },
            &[],
        ),
        (query("no such thing"), &[]),
        (query("--json"), &[]),
        (query("-"), &[]),
    ] {
        assert_eq!(found(&api, &query).await, expected, "{query:?}");
    }
    let ranked = SearchQuery {
        by: SearchOrder::Relevance,
        context: Some(1),
        ..query("two needles")
    };
    let mut reader = api.client().await.search(&ranked).await.unwrap();
    let hit = reader.next().await.unwrap().unwrap();
    assert_eq!((hit.time, hit.before), (2.5, vec!["one needle".to_owned()]));

    for (bad, why) in [
        (
            SearchQuery {
                regex: true,
                ..query("(")
            },
            "regex parse error: unclosed group",
        ),
        (
            SearchQuery {
                since: of("soon"),
                ..query("x")
            },
            "is no time",
        ),
        (
            SearchQuery {
                cast: of("nowhere"),
                ..query("x")
            },
            "no cast",
        ),
        (
            SearchQuery {
                limit: Some(10_001),
                ..query("x")
            },
            "limit",
        ),
        (query(""), "q must not be empty"),
    ] {
        let outcome = api.client().await.search(&bad).await;
        let (status, message) = refused(outcome.map(drop));
        assert_eq!(status, 422, "{bad:?}: {message}");
        assert!(message.contains(why), "{bad:?}: {message}");
    }
    for text in HOSTILE
        .into_iter()
        .filter_map(|text| std::str::from_utf8(text).ok())
    {
        assert_eq!(found(&api, &query(text)).await, [""; 0], "{text}");
    }
}

#[tokio::test]
async fn the_process_that_records_opens_nothing_of_the_archive() {
    let api = filled(&[]);
    let mut client = api.client().await;
    assert_eq!(client.casts(&CastFilter::default()).await.unwrap().len(), 2);
    assert_eq!(found(&api, &query("needle")).await.len(), 3);
    let pid = api.tvmux.server_pid().unwrap();
    let opened = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    for file in opened.filter_map(|file| fs::read_link(file.unwrap().path()).ok()) {
        let name = file.to_string_lossy().into_owned();
        assert!(
            !name.contains("archive") && !name.contains(".cast"),
            "{name}"
        );
    }
    nobody_answers(&api).await;
}

#[tokio::test]
async fn few_searches_run_at_once_and_one_that_nobody_reads_ends() {
    let api = Api::start();
    let long = "needle ".repeat(400);
    let lines = vec![&*long; 800];
    cast(&api, "casts/long.cast", 1_795_168_800, &lines);
    api.tvmux.ok(["archive", "update"]);
    let query = SearchQuery {
        limit: Some(10_000),
        ..query("needle")
    };
    let mut running: Vec<SearchReader> = Vec::new();
    for _ in 0..4 {
        let client: Client = api.client().await;
        running.push(client.search(&query).await.unwrap());
    }
    let fifth = api.client().await.search(&query).await;
    assert_eq!(refused(fifth.map(drop)).0, 503);
    drop(running);
    nobody_answers(&api).await;
    assert_eq!(found(&api, &query).await.len(), 800);
}
