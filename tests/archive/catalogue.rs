//! What is known of casts: `ls`, `show`, `rm`, `archive`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;
use tvmux::cast::Code;

use crate::support::tvmux::Tvmux;
use crate::{listed, made, write};

fn names(user: &Tvmux, args: &[&str]) -> Vec<String> {
    let name = |entry: &Value| {
        let path = entry["cast"].as_str().unwrap();
        path.rsplit('/').next().unwrap().to_owned()
    };
    listed(user, args).iter().map(name).collect()
}

#[test]
fn casts_of_any_recorder_are_known() {
    let user = Tvmux::new();
    let folder = user.folder().join("casts");
    let mut cast = made(&[(1.0, "hello\r\n"), (7.5, "bye\r\n")]);
    cast.header.title = Some("release day".into());
    write(
        &user,
        "2026-11/2026-11-26_1405_box_my_work_@3_vim.cast",
        &cast,
    );
    cast.header.timestamp = Some(1_600_000_000);
    cast.header.title = None;
    let packed = zstd::encode_all(&cast.bytes()[..], 3).unwrap();
    fs::write(folder.join("old.cast.zst"), packed).unwrap();
    let v3 = "{\"version\":3,\"term\":{\"cols\":99,\"rows\":9},\"timestamp\":1650000000}\n[1.5,\"o\",\"x\"]\n[2,\"x\",\"0\"]\n";
    fs::write(folder.join("three.cast"), v3).unwrap();
    fs::write(
        folder.join("one.cast"),
        "{\"version\":1,\"width\":70,\"height\":7,\"stdout\":[[0.5,\"a\"],[1,\"b\"]]}",
    )
    .unwrap();
    // None of these is one.
    fs::write(folder.join("notes.txt"), "").unwrap();
    fs::write(folder.join(".hidden.cast"), v3).unwrap();
    symlink(folder.join("three.cast"), folder.join("link.cast")).unwrap();
    user.ok(["archive", "update"]);
    let all = listed(&user, &[]);
    assert_eq!(all.len(), 4, "{all:#?}");
    let of = |name: &str| {
        let is_it = |entry: &&Value| entry["cast"].as_str().unwrap().ends_with(name);
        all.iter().find(is_it).unwrap_or_else(|| panic!("{name}"))
    };
    let own = of("_vim.cast");
    assert_eq!(own["host"], "box");
    assert_eq!(own["session"], "my_work");
    assert_eq!(own["window"], "@3");
    assert_eq!(own["title"], "release day");
    assert_eq!(own["duration"], 7.5);
    assert_eq!(
        (own["columns"].as_u64(), own["rows"].as_u64()),
        (Some(40), Some(6))
    );
    assert_eq!(
        (own["events"].as_u64(), own["lines"].as_u64()),
        (Some(2), Some(2))
    );
    assert_eq!(
        (own["state"].as_str(), own["due"].as_bool()),
        (Some("finished"), Some(false))
    );
    assert_eq!(own["started"], 1_700_000_000.0);
    assert_eq!(own["indexed"], own["bytes"]);
    assert_eq!(of("old.cast.zst")["compressed"], true);
    assert_eq!(of("old.cast.zst")["duration"], 7.5);
    assert_eq!(of("three.cast")["columns"], 99);
    assert_eq!(of("three.cast")["duration"], 3.5);
    assert_eq!(of("one.cast")["duration"], 1.5);
    // The newest first; the file of version 1 says nothing of its time.
    let order = ["one.cast", "_vim.cast", "three.cast", "old.cast.zst"];
    for (name, wanted) in names(&user, &[]).iter().zip(order) {
        assert!(name.ends_with(wanted), "{name}");
    }
    assert_eq!(names(&user, &["RELEASE"]).len(), 1);
    assert_eq!(
        names(&user, &["--session", "my work", "--window", "vi"]).len(),
        1
    );
    assert_eq!(names(&user, &["--window", "@33"]), [""; 0]);
    assert_eq!(names(&user, &["--until", "2021-01-01"]), ["old.cast.zst"]);
    assert_eq!(
        names(&user, &["--since", "2021-01-01", "--until", "2022-12-31"]),
        ["three.cast"]
    );
    let text = user.ok(["ls"]);
    assert!(
        text.contains("release day") && text.contains("my_work:@3"),
        "{text}"
    );
}

#[test]
fn what_changes_on_disk_changes_in_the_catalogue() {
    let user = Tvmux::new();
    let path = write(&user, "a.cast", &made(&[(1.0, "one\r\n")]));
    // Known at once, with what its start and its end say.
    let first = listed(&user, &[]).remove(0);
    assert_eq!(
        (first["duration"].as_f64(), first["due"].as_bool()),
        (Some(1.0), Some(true))
    );
    assert!(user.ok(["archive", "update"]).contains("1 cast"));
    assert!(user.ok(["archive", "update"]).contains("up to date"));
    let mut file = fs::File::options().append(true).open(&path).unwrap();
    file.write_all(
        b"[2.5, \"o\", \"two\\r\\n\"]\n[3, \"m\", \"tvmux: gap: x; 7 bytes are missing\"]\n",
    )
    .unwrap();
    assert!(user.ok(["archive", "update"]).contains("1 cast"));
    let grown = listed(&user, &[]).remove(0);
    assert_eq!(grown["duration"], 3.0);
    // The label of a marker is a line, too.
    assert_eq!(
        (grown["lines"].as_u64(), grown["events"].as_u64()),
        (Some(3), Some(3))
    );
    assert_eq!(
        (grown["gaps"].as_u64(), grown["lost_bytes"].as_u64()),
        (Some(1), Some(7))
    );
    let shown: Value = serde_json::from_str(&user.ok(["show", "--json", "a.cast"])).unwrap();
    assert_eq!(shown["markers"][0]["time"], 3.0);
    // Another file of that name.
    fs::remove_file(&path).unwrap();
    write(&user, "a.cast", &made(&[(9.0, "new\r\n")]));
    user.ok(["archive", "update"]);
    let new = listed(&user, &[]).remove(0);
    assert_eq!(
        (new["duration"].as_f64(), new["lines"].as_u64()),
        (Some(9.0), Some(1))
    );
    assert_eq!(new["gaps"], 0);
    fs::remove_file(&path).unwrap();
    assert_eq!(listed(&user, &[]).len(), 0);
    let status: Value = serde_json::from_str(&user.ok(["archive", "status", "--json"])).unwrap();
    assert_eq!(
        (status["casts"].as_u64(), status["lines"].as_u64()),
        (Some(0), Some(0))
    );
}

#[test]
fn a_disk_that_is_away_takes_no_cast_with_it() {
    let away = Tvmux::new();
    let folder = away.folder().join("casts");
    let user = Tvmux::new().with("TVMUX_ARCHIVE_DIRECTORIES", &folder);
    write(&away, "far/b.cast", &made(&[(1.0, "one\r\n")]));
    write(&user, "a.cast", &made(&[(1.0, "one\r\n")]));
    assert_eq!(listed(&user, &[]).len(), 2);
    fs::rename(&folder, away.folder().join("elsewhere")).unwrap();
    assert_eq!(listed(&user, &[]).len(), 2);
    fs::create_dir(&folder).unwrap();
    assert_eq!(listed(&user, &[]).len(), 1, "it is there, and empty");
}

#[test]
fn a_damaged_cast_says_what_is_wrong() {
    let user = Tvmux::new();
    let mut bytes = made(&[(1.0, "one\r\n")]).bytes();
    bytes.extend_from_slice(b"[2, \"o\", \"torn");
    fs::write(user.folder().join("casts/torn.cast"), bytes).unwrap();
    fs::write(user.folder().join("casts/none.cast"), "nothing of the kind").unwrap();
    user.ok(["archive", "update"]);
    for entry in listed(&user, &[]) {
        assert_eq!(entry["state"], "damaged", "{entry}");
        assert!(!entry["finding"].as_str().unwrap().is_empty());
    }
    let shown = user.ok(["show", "torn"]);
    assert!(shown.contains("damaged: line 3"), "{shown}");
    let verified = user.run(["archive", "verify"]);
    assert_eq!(verified.status.code(), Some(1));
    let text = String::from_utf8(verified.stdout).unwrap();
    assert!(
        text.contains("torn.cast") && text.contains("tvmux repair"),
        "{text}"
    );
}

#[test]
fn casts_are_named_by_path_name_start_and_age() {
    let user = Tvmux::new();
    let mut cast = made(&[(1.0, "one\r\n")]);
    for (at, name) in [
        "2026-11-01_1000_box_main_@3_vim.cast",
        "2026-11-02_1000_box_other_@4_vim.cast",
        "2026-11-03_1000_box_main_@5_top.cast",
    ]
    .iter()
    .enumerate()
    {
        cast.header.timestamp = Some(1_700_000_000 + at as u64);
        write(&user, name, &cast);
    }
    let meant = |name: &str| {
        let output = user.run(["show", "--json", name]);
        match output.status.success() {
            true => {
                let entry: Value = serde_json::from_slice(&output.stdout).unwrap();
                let path = entry["cast"].as_str().unwrap();
                path.rsplit('/').next().unwrap().to_owned()
            }
            false => String::from_utf8(output.stderr).unwrap(),
        }
    };
    let all = names(&user, &[]);
    assert_eq!(meant("@latest"), all[0]);
    assert_eq!(meant("@latest:other"), all[1]);
    assert!(meant("@latest:nobody").contains("no cast of a session"));
    assert_eq!(meant("2026-11-02"), all[1]);
    assert_eq!(meant(&all[2]), all[2]);
    assert_eq!(meant(all[2].trim_end_matches(".cast")), all[2]);
    let path = user.folder().join("casts").join(&all[1]);
    assert_eq!(meant(path.to_str().unwrap()), all[1]);
    let several = meant("2026-11-0");
    assert!(
        several.contains("several casts") && several.contains(&all[0]),
        "{several}"
    );
    assert!(
        meant("nothing").contains("tvmux ls"),
        "{}",
        meant("nothing")
    );
    // Other verbs take these names, too.
    let screen = user.ok(["screenshot", "@latest:other", "--format", "text"]);
    assert!(screen.starts_with("one"), "{screen}");
    assert_eq!(user.ok(["cat", "@latest"]), "one\r\n");
    user.ok(["validate", "@latest"]);
    user.ok(["repair", "2026-11-02"]);
    assert_eq!(user.ok(["convert", &all[2], "-", "--to", "text"]), "one\n");
    // Also with settings that are wrong; what is nothing stays the name of a file.
    let config = user.folder().join("config/tvmux/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    std::fs::write(config, "nonsense").unwrap();
    let path = user.folder().join("casts").join(&all[0]);
    assert_eq!(user.ok([Path::new("cat"), &*path]), "one\r\n");
    let nothing = user.run(["cat", "nothing.cast"]);
    let said = String::from_utf8(nothing.stderr).unwrap();
    assert_eq!(nothing.status.code(), Some(2));
    assert!(
        said.contains("cannot read nothing.cast: No such file"),
        "{said}"
    );
}

#[test]
fn removed_casts_are_gone_and_nothing_goes_unasked() {
    let user = Tvmux::new();
    let paths: Vec<_> = ["a.cast", "b.cast", "c.cast"]
        .iter()
        .map(|name| write(&user, name, &made(&[(1.0, "one\r\n")])))
        .collect();
    user.ok(["archive", "update"]);
    let unasked = user.run(["rm", "a.cast"]);
    assert_eq!(unasked.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unasked.stderr).contains("--yes"));
    let unknown = user.run(["rm", "--yes", "a.cast", "nothing"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(paths[0].exists(), "all names must fit");
    user.ok(["rm", "--yes", "a.cast", "b.cast", "a.cast"]);
    assert_eq!(paths.iter().filter(|path| path.exists()).count(), 1);
    assert_eq!(names(&user, &[]), ["c.cast"]);
    assert_eq!(crate::found(&user, &["one"]).len(), 1);
}

#[test]
fn a_damaged_database_is_set_aside_and_made_again() {
    let user = Tvmux::new();
    write(&user, "a.cast", &made(&[(1.0, "one needle\r\n")]));
    user.ok(["archive", "update"]);
    let data = user.folder().join(".local/share/tvmux");
    let database = data.join("archive.db");
    let whole = fs::read(&database).unwrap();
    let mut torn = whole.clone();
    for byte in &mut torn[8192..] {
        *byte = byte.wrapping_add(1);
    }
    for (number, bad) in [&b"no database"[..], &torn, &whole[..5000]]
        .into_iter()
        .enumerate()
    {
        fs::write(&database, bad).unwrap();
        for end in ["archive.db-wal", "archive.db-shm"] {
            let _ = fs::remove_file(data.join(end));
        }
        let output = user.run(["ls", "--json"]);
        assert!(output.status.success(), "{number}: {output:?}");
        let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(all.len(), 1, "{number}");
        let aside = fs::read(data.join(format!("archive.db.damaged-{}", number + 1))).unwrap();
        assert_eq!(aside, bad, "{number}");
        assert_eq!(crate::found(&user, &["needle"]).len(), 1, "{number}");
    }
    // A block that cannot be unpacked is made again from its cast.
    user.ok(["archive", "update"]);
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection
        .execute("UPDATE block SET text = x'00'", [])
        .unwrap();
    drop(connection);
    assert_eq!(user.run(["archive", "verify"]).status.code(), Some(1));
    assert_eq!(crate::found(&user, &["needle"]).len(), 0);
    assert_eq!(crate::found(&user, &["needle"]).len(), 1);
    assert!(user.ok(["archive", "rebuild"]).contains("1 cast"));
    assert!(user.ok(["archive", "verify"]).contains("all is well"));
    // Its folder is this user's alone.
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&data).unwrap());
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn texts_of_casts_are_shown_and_not_obeyed() {
    let user = Tvmux::new();
    let mut cast = made(&[(1.0, "x")]);
    cast.header.title = Some("\u{1b}]0;pwned\u{7}$(touch pwned)".into());
    cast.events
        .push((2_000_000, Code::Marker, "\u{1b}[31mred".into()));
    write(&user, "a\u{1b}[31m$(touch pwned).cast", &cast);
    user.ok(["archive", "update"]);
    for args in [
        &["ls"][..],
        &["show", "@latest"],
        &["search", "x"],
        &["search", "-q", "x"],
    ] {
        let text = user.ok(args);
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
    assert!(!user.folder().join("pwned").exists());
}
