//! What is compressed and removed by the settings, and what is kept forever.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tvmux::packed::packed_path;

use crate::casts::mixed;
use crate::support::TestTmux;
use crate::support::tvmux::Tvmux;
use crate::{listed, write};

/// Writes a cast that ended some days ago.
fn old(user: &Tvmux, name: &str, days: u64) -> PathBuf {
    let path = write(user, name, &mixed(days, 20_000));
    let time = SystemTime::now() - Duration::from_secs(days * 86_400);
    let file = File::options().append(true).open(&path).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
    path
}

/// What `prune --json` gives, and `status --json` about the limits.
fn pruned(user: &Tvmux, args: &[&str], settings: &[(&str, &str)]) -> Vec<Value> {
    let args = ["archive", "prune", "--json"].iter().chain(args);
    let output = user
        .command(args)
        .envs(settings.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn names(pruned: &[Value]) -> Vec<(String, String)> {
    let name = |cast: &Value| {
        let path = Path::new(cast["cast"].as_str().unwrap());
        path.file_name().unwrap().to_str().unwrap().to_owned()
    };
    let action = |cast: &Value| cast["action"].as_str().unwrap().to_owned();
    pruned
        .iter()
        .map(|cast| (action(cast), name(cast)))
        .collect()
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted
        .iter()
        .map(|&(a, b)| (a.to_owned(), b.to_owned()))
        .collect()
}

#[test]
fn old_casts_go_and_those_that_are_kept_stay() {
    let user = Tvmux::new();
    let [oldest, pinned, session, middle, young] = [
        ("oldest.cast", 500),
        ("pinned.cast", 450),
        ("2026-01-01_1000_host_prod-db_@3_vim.cast", 440),
        ("middle.cast", 20),
        ("young.cast", 1),
    ]
    .map(|(name, days)| old(&user, name, days));
    let said = user.ok(["archive", "keep", "pinned"]);
    assert!(said.contains("is kept forever"), "{said}");
    let shown: Value = serde_json::from_str(&user.ok(["show", "pinned", "--json"])).unwrap();
    assert_eq!(shown["kept"], true);
    let settings = [
        ("TVMUX_ARCHIVE_KEEP", "365d"),
        ("TVMUX_ARCHIVE_COMPRESS_AFTER", "10d"),
        ("TVMUX_ARCHIVE_KEEP_SESSIONS", "main|prod-*"),
    ];
    assert_eq!(pruned(&user, &[], &[]), Vec::<Value>::new(), "all is off");
    let wanted = pairs(&[
        ("compress", "pinned.cast"),
        ("compress", "2026-01-01_1000_host_prod-db_@3_vim.cast"),
        ("compress", "middle.cast"),
        ("remove", "oldest.cast"),
    ]);
    let planned = pruned(&user, &["--dry-run"], &settings);
    assert_eq!(names(&planned), wanted);
    assert!(oldest.exists() && middle.exists());
    let status = user
        .command(["archive", "status", "--json"])
        .envs(settings)
        .output()
        .unwrap();
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    let limits = &status["limits"];
    assert_eq!(limits[0]["setting"], "compress_after");
    assert_eq!(limits[0]["casts"], 4, "alone, the oldest one too");
    assert_eq!(limits[1]["setting"], "keep");
    assert_eq!(limits[1]["casts"], 1);
    assert_eq!(limits[1]["bytes"], planned[3]["bytes"]);

    assert_eq!(names(&pruned(&user, &[], &settings)), wanted);
    assert!(!oldest.exists());
    for path in [&pinned, &session, &middle] {
        assert!(!path.exists() && packed_path(path).exists());
    }
    assert!(young.exists());
    assert_eq!(listed(&user, &[]).len(), 4);
    let log = user.folder().join(".local/share/tvmux/archive.log");
    let log = fs::read_to_string(log).unwrap();
    assert_eq!(log.lines().count(), 1);
    assert!(
        log.contains("oldest.cast") && log.contains("archive.keep"),
        "{log}"
    );
    assert_eq!(
        pruned(&user, &[], &settings),
        Vec::<Value>::new(),
        "nothing is left to do"
    );
    // A pin stays when the catalogue is lost and the cast is compressed.
    fs::remove_file(user.folder().join(".local/share/tvmux/archive.db")).unwrap();
    assert_eq!(pruned(&user, &[], &settings), Vec::<Value>::new());
    user.ok(["archive", "keep", "--not", "pinned"]);
    let gone = names(&pruned(&user, &[], &settings));
    assert_eq!(gone, pairs(&[("remove", "pinned.cast.zst")]));
}

#[test]
fn limits_of_size_and_room_take_the_oldest_and_no_more_than_must() {
    let user = Tvmux::new();
    let casts: Vec<PathBuf> = (1..=4)
        .map(|days| old(&user, &format!("{days}.cast"), days))
        .collect();
    let size = |path: &PathBuf| fs::metadata(path).unwrap().len();
    let all: u64 = casts.iter().map(size).sum();
    let most = (all - size(&casts[3]) - 1).to_string();
    let settings = [("TVMUX_ARCHIVE_MAX_SIZE", most.as_str())];
    let gone = names(&pruned(&user, &[], &settings));
    assert_eq!(gone, pairs(&[("remove", "4.cast"), ("remove", "3.cast")]));
    assert_eq!(pruned(&user, &[], &settings), Vec::<Value>::new());
    let gone = names(&pruned(
        &user,
        &["--dry-run"],
        &[("TVMUX_ARCHIVE_MIN_FREE", "900000TB")],
    ));
    assert_eq!(gone, pairs(&[("remove", "2.cast"), ("remove", "1.cast")]));
    // What was written lately stays, also where more would have to go.
    write(&user, "now.cast", &mixed(9, 20_000));
    let gone = names(&pruned(&user, &[], &[("TVMUX_ARCHIVE_MAX_SIZE", "1B")]));
    assert_eq!(gone, pairs(&[("remove", "2.cast"), ("remove", "1.cast")]));
    assert_eq!(listed(&user, &[]).len(), 1);
}

#[test]
fn an_update_does_what_the_limits_want_and_a_recording_that_runs_stays() {
    let tmux = TestTmux::start("cat");
    let user = Tvmux::new();
    let gone = old(&user, "old.cast", 3);
    let recording = user.record(&tmux, &[]);
    let cast = user.cast(&recording);
    let file = File::options().append(true).open(&cast).unwrap();
    let time = SystemTime::now() - Duration::from_secs(10 * 86_400);
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
    drop(file);
    let updated = user
        .command(["archive", "update"])
        .env("TVMUX_ARCHIVE_KEEP", "1d")
        .env("TVMUX_ARCHIVE_COMPRESS_AFTER", "1h")
        .output()
        .unwrap();
    assert!(updated.status.success(), "{updated:?}");
    assert!(
        String::from_utf8_lossy(&updated.stdout).contains("old.cast: removed"),
        "{updated:?}"
    );
    assert!(!gone.exists());
    assert!(cast.exists());
    user.ok(["rec", "stop", recording["id"].as_str().unwrap()]);
}

#[test]
fn settings_that_do_not_fit_are_named() {
    let user = Tvmux::new();
    let file = user.folder().join("config.toml");
    for (line, key) in [
        ("keep = \"0d\"", "archive.keep"),
        ("keep = 365", "archive.keep"),
        ("max_size = \"50 bananas\"", "archive.max_size"),
        ("compress_after = \"soon\"", "archive.compress_after"),
    ] {
        fs::write(&file, format!("[archive]\n{line}\n")).unwrap();
        let refused = user
            .command(["archive", "prune"])
            .env("TVMUX_CONFIG_FILE", &file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(
            !refused.status.success() && said.contains(&format!("config.toml:2: {key}: expected")),
            "{said}"
        );
    }
    let refused = user
        .command(["archive", "prune"])
        .env("TVMUX_ARCHIVE_MIN_FREE", "much")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("TVMUX_ARCHIVE_MIN_FREE"), "{said}");
}

#[test]
fn a_prune_that_is_killed_leaves_files_and_list_in_line() {
    let user = Tvmux::new();
    for round in 0..8u64 {
        for number in 0..4 {
            old(&user, &format!("{round}-{number}.cast"), 10 + number);
        }
        let mut child = user
            .command(["archive", "prune", "-q"])
            .env("TVMUX_ARCHIVE_KEEP", "12d")
            .env("TVMUX_ARCHIVE_COMPRESS_AFTER", "1d")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // At any moment; what must hold does not depend on which.
        std::thread::sleep(Duration::from_millis(30 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let settings = [
            ("TVMUX_ARCHIVE_KEEP", "12d"),
            ("TVMUX_ARCHIVE_COMPRESS_AFTER", "1d"),
        ];
        pruned(&user, &[], &settings);
        let listed = listed(&user, &[]);
        let files = fs::read_dir(user.folder().join("casts")).unwrap().count();
        assert_eq!(files, listed.len(), "round {round}");
        assert_eq!(
            files as u64,
            2 * (round + 1),
            "those of 10 and 11 days stay"
        );
        assert!(listed.iter().all(|cast| cast["compressed"] == true));
    }
    user.ok(["archive", "update", "-q"]);
    user.ok(["archive", "verify"]);
}
