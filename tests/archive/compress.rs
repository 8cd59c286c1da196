//! Compressed casts: read by every verb as if they were plain, and none lost by a
//! process that is killed.

use std::fs::{self, File, FileTimes};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use fastrand::Rng;
use serde_json::Value;
use tvmux::packed::{FRAME, Packer, Plain, Salvage, Unpacked, is_seekable, packed_path};

use crate::casts::mixed;
use crate::support::tvmux::Tvmux;
use crate::{found, listed, write};

fn packed(plain: &[u8]) -> Vec<u8> {
    let mut packer = Packer::new(Vec::new()).unwrap();
    // However the bytes come.
    for chunk in plain.chunks(77_777) {
        packer.write_all(chunk).unwrap();
    }
    packer.finish().unwrap()
}

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Lines of different lengths, one of them longer than frames are.
fn lines(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..60_000 {
        let length = match number {
            30_000 => 2 * FRAME + 5,
            31_000 => 17 << 20,
            _ => rng.usize(..120),
        };
        bytes.extend((0..length).map(|_| b'a' + rng.u8(..6)));
        bytes.push(b'\n');
    }
    bytes
}

#[test]
fn any_place_has_its_plain_bytes_and_any_program_unpacks_all() {
    let mut rng = Rng::with_seed(3);
    let plain = lines(&mut rng);
    let packed = packed(&plain);
    assert!(zstd::decode_all(&packed[..]).unwrap() == plain);
    let file = Plain::of(file_of(&packed)).unwrap().unwrap();
    assert!(file.is_packed());
    assert_eq!(file.length().unwrap(), plain.len() as u64);
    for _ in 0..200 {
        let start = rng.usize(..plain.len());
        let length = rng.usize(..200_000).min(plain.len() - start);
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, start as u64).unwrap();
        assert!(bytes == plain[start..start + length], "{start} + {length}");
    }
    assert_eq!(file.read_at(&mut [0; 9], plain.len() as u64).unwrap(), 0);
    let mut all = Vec::new();
    file.into_reader().read_to_end(&mut all).unwrap();
    assert!(all == plain);
}

#[test]
fn frames_end_at_lines_and_few_lines_are_one() {
    let mut rng = Rng::with_seed(4);
    let plain: Vec<u8> = (0..200_000)
        .flat_map(|n| format!("{n} {}\n", rng.u64(..)).into_bytes())
        .collect();
    let packed = packed(&plain);
    let mut rest = &packed[..];
    let mut frames = 0;
    while rest.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(&mut rest)
            .unwrap()
            .single_frame();
        let mut frame = Vec::new();
        decoder.read_to_end(&mut frame).unwrap();
        decoder.finish();
        assert!(frame.ends_with(b"\n") && frame.len() <= FRAME);
        frames += 1;
    }
    assert!(frames > 3, "{frames}");
    for plain in [&b""[..], b"no newline", b"one\n"] {
        let packed = self::packed(plain);
        assert_eq!(zstd::decode_all(&packed[..]).unwrap(), plain);
        let file = Plain::of(file_of(&packed)).unwrap().unwrap();
        assert_eq!(file.length().unwrap(), plain.len() as u64);
    }
}

#[test]
fn what_a_verb_writes_is_compressed_where_its_name_says_so() {
    let user = Tvmux::new();
    let cast = write(&user, "a.cast", &mixed(3, 300_000));
    let cast = cast.to_str().unwrap();
    let at = |name: &str| user.folder().join(name).to_str().unwrap().to_owned();
    for (name, verb) in [
        ("b.cast", "convert"),
        ("c.cast", "cat"),
        ("d.txt", "convert"),
    ] {
        let packed = at(&format!("{name}.zst"));
        for out in [&at(name), &packed] {
            match verb {
                "cat" => user.ok(["cat", cast, "-o", out]),
                _ => user.ok(["convert", "-q", cast, out]),
            };
        }
        let plain = fs::read(at(name)).unwrap();
        assert!(
            plain.len() > 10_000 && is_seekable(Path::new(&packed)),
            "{name}"
        );
        assert!(
            zstd::decode_all(&fs::read(packed).unwrap()[..]).unwrap() == plain,
            "{name}"
        );
    }
    // Of what it is, the rest of the name does not say.
    assert_eq!(
        user.run(["convert", cast, &at("e.zst")]).status.code(),
        Some(2)
    );
}

/// All that the verbs say of a cast, but for its name.
fn said(user: &Tvmux, cast: &Path, plain: usize) -> Vec<String> {
    let name = cast.to_str().unwrap();
    let mut said: Vec<String> = [
        &["cat", name][..],
        &["convert", name, "-", "--to", "v3"],
        &["convert", name, "-", "--to", "text", "--timestamps"],
        &[
            "convert", name, "-", "--to", "v2", "--from", "1m", "--until", "2m",
        ],
        &["validate", "--json", name],
        &["repair", "--dry-run", name],
        &["screenshot", name, "--at", "30%"],
        &["screenshot", name],
        &["show", name, "--json"],
        &["commands", name, "--json"],
        &["search", "-q", "coloured"],
        &["ls", "--json"],
    ]
    .iter()
    .map(|args| user.ok(*args))
    .collect();
    let piped = user
        .command(["cat", "-"])
        .stdin(File::open(cast).unwrap())
        .output()
        .unwrap();
    said.push(String::from_utf8(piped.stdout).unwrap());
    let size = fs::metadata(cast).unwrap().len();
    for text in &mut said {
        *text = text.replace(".cast.zst", ".cast");
        for bytes in [size, plain as u64] {
            *text = text.replace(&bytes.to_string(), "SIZE");
        }
        *text = text.replace("\"compressed\": true", "\"compressed\": false");
        *text = text.replace("\"compressed\":true", "\"compressed\":false");
    }
    said
}

#[test]
fn every_verb_reads_a_compressed_cast_as_if_it_were_plain() {
    let user = Tvmux::new();
    let made = mixed(11, 1_300_000);
    let plain = write(&user, "day.cast", &made);
    let bytes = fs::read(&plain).unwrap();
    let then = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_764_165_600_123_456_789);
    File::options()
        .write(true)
        .open(&plain)
        .unwrap()
        .set_times(FileTimes::new().set_modified(then))
        .unwrap();
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o640)).unwrap();
    user.ok(["archive", "update", "-q"]);
    let before = said(&user, &plain, bytes.len());
    let keyframes = keyframes(&user);
    assert_eq!(keyframes.len(), 1);

    let report: Value =
        serde_json::from_str(&user.ok(["archive", "compress", "day", "--json"])).unwrap();
    let cast = packed_path(&plain);
    assert_eq!(report["cast"], cast.to_str().unwrap());
    assert_eq!(report["bytes_before"], bytes.len());
    assert!(!plain.exists());
    let now = fs::metadata(&cast).unwrap();
    assert_eq!(report["bytes"], now.len());
    assert!(now.len() * 4 < bytes.len() as u64, "{}", now.len());
    assert_eq!(now.modified().unwrap(), then);
    assert_eq!(now.mode() & 0o777, 0o640);
    // Nothing was read again, and nothing is due.
    let updated: Value = serde_json::from_str(&user.ok(["archive", "update", "--json"])).unwrap();
    assert_eq!(updated["casts"], 0);
    assert_eq!(listed(&user, &[])[0]["compressed"], true);
    let after = said(&user, &cast, bytes.len());
    for (before, after) in before.iter().zip(&after) {
        assert!(before == after, "{before:.2000}\n---\n{after:.2000}");
    }
    assert_eq!(
        self::keyframes(&user),
        keyframes,
        "they are those of the plain cast"
    );
    // By its old name, too.
    assert_eq!(user.ok(["cat", plain.to_str().unwrap()]), before[0]);
    if let Ok(output) = Command::new("zstd").arg("-dc").arg(&cast).output() {
        assert!(output.stdout == bytes);
    }
    user.ok(["archive", "verify"]);

    user.ok(["archive", "decompress", "day", "-q"]);
    assert!(!cast.exists());
    assert!(fs::read(&plain).unwrap() == bytes);
    assert_eq!(fs::metadata(&plain).unwrap().modified().unwrap(), then);
    let updated: Value = serde_json::from_str(&user.ok(["archive", "update", "--json"])).unwrap();
    assert_eq!(updated["casts"], 0);
    assert!(said(&user, &plain, bytes.len()) == before);
}

/// The files of keyframes: their names and lengths.
fn keyframes(user: &Tvmux) -> Vec<(PathBuf, u64)> {
    let folder = user.folder().join(".cache/tvmux/timeline");
    let files = fs::read_dir(folder).unwrap();
    files
        .map(|file| {
            let file = file.unwrap();
            (file.path(), file.metadata().unwrap().len())
        })
        .collect()
}

#[test]
fn what_is_read_again_is_the_same_as_of_the_plain_cast() {
    let (user, other) = (Tvmux::new(), Tvmux::new());
    let made = mixed(5, 300_000);
    write(&user, "a.cast", &made);
    write(&other, "a.cast", &made);
    user.ok(["archive", "compress", "a", "-q"]);
    for user in [&user, &other] {
        user.ok(["archive", "update", "-q"]);
    }
    let all = |user: &Tvmux| -> Vec<Value> {
        let mut hits = found(user, &["-E", "."]);
        for hit in &mut hits {
            hit.as_object_mut().unwrap().remove("cast");
        }
        hits
    };
    assert_eq!(all(&user), all(&other));
    let duration = |user: &Tvmux| listed(user, &[])[0]["duration"].clone();
    assert_eq!(duration(&user), duration(&other));
    // One of another program, which has no table of its frames.
    let third = Tvmux::new();
    let path = third.folder().join("casts/a.cast.zst");
    fs::write(&path, zstd::encode_all(&made.bytes()[..], 1).unwrap()).unwrap();
    third.ok(["archive", "update", "-q"]);
    assert_eq!(all(&third), all(&other));
    let shot = |user: &Tvmux| user.ok(["screenshot", "a", "--at", "50%"]);
    assert_eq!(shot(&third), shot(&other));
}

#[test]
fn what_is_being_written_or_no_cast_is_left_alone() {
    let user = Tvmux::new();
    let path = write(&user, "a.cast", &mixed(1, 20_000));
    let writer = File::options().append(true).open(&path).unwrap();
    let refused = user.run(["archive", "compress", "a"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is being written"));
    assert!(path.exists() && !packed_path(&path).exists());
    drop(writer);
    user.ok(["archive", "compress", "a"]);
    let again = user.run(["archive", "compress", "a"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("compressed already"));
    // Another file of the name.
    fs::write(&path, "{\"version\": 2, \"width\": 8, \"height\": 2}\n").unwrap();
    let refused = user.run(["archive", "compress", path.to_str().unwrap()]);
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("is another cast"),
        "{refused:?}"
    );
    user.ok(["archive", "update", "-q"]);
    assert!(path.exists() && packed_path(&path).exists());
    // A copy that another program has made, of the same time.
    let kept = write(&user, "b.cast", &mixed(2, 20_000));
    let copy = packed_path(&kept);
    fs::write(
        &copy,
        zstd::encode_all(&fs::read(&kept).unwrap()[..], 1).unwrap(),
    )
    .unwrap();
    let time = fs::metadata(&kept).unwrap().modified().unwrap();
    let file = File::options().write(true).open(&copy).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
    user.ok(["archive", "update", "-q"]);
    assert!(kept.exists() && copy.exists());
    let notes = user.folder().join("notes");
    fs::write(&notes, "x").unwrap();
    let refused = user.run([Path::new("archive"), Path::new("compress"), &notes]);
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains(".cast"),
        "{refused:?}"
    );
}

#[test]
fn a_process_that_is_killed_loses_no_cast_and_leaves_none_half() {
    let user = Tvmux::new();
    let made = mixed(8, 3_000_000);
    let plain = write(&user, "a.cast", &made);
    let bytes = fs::read(&plain).unwrap();
    let cast = packed_path(&plain);
    user.ok(["archive", "update", "-q"]);
    let start = Instant::now();
    user.ok(["archive", "compress", "a", "-q"]);
    let takes = start.elapsed();
    user.ok(["archive", "decompress", "a", "-q"]);
    let (mut whole, mut both) = (0, 0);
    for round in 0..24u32 {
        let verb = if plain.exists() {
            "compress"
        } else {
            "decompress"
        };
        let mut child = user
            .command(["archive", verb, "a", "-q"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // At any moment; what must hold does not depend on which.
        std::thread::sleep(takes * (round + 1) / 24);
        child.kill().unwrap();
        child.wait().unwrap();
        both += u32::from(plain.exists() && cast.exists());
        for path in [&plain, &cast].into_iter().filter(|path| path.exists()) {
            let mut there = Vec::new();
            Unpacked::new(File::open(path).unwrap())
                .unwrap()
                .read_to_end(&mut there)
                .unwrap();
            assert!(
                there == bytes,
                "round {round}: {} is not whole",
                path.display()
            );
            whole += 1;
        }
        let updated: Value =
            serde_json::from_str(&user.ok(["archive", "update", "--json"])).unwrap();
        assert!(
            plain.exists() != cast.exists(),
            "round {round}: one is left"
        );
        assert_eq!(updated["casts"], 0, "round {round}: nothing is read again");
        assert_eq!(listed(&user, &[]).len(), 1);
        let files: Vec<_> = fs::read_dir(plain.parent().unwrap())
            .unwrap()
            .flatten()
            .collect();
        assert_eq!(files.len(), 1, "round {round}: {files:?}");
    }
    assert_eq!(whole, 24 + both);
}

#[test]
fn a_cast_that_is_left_in_both_forms_is_not_read_again() {
    let user = Tvmux::new();
    let plain = write(&user, "a.cast", &mixed(2, 20_000));
    let cast = packed_path(&plain);
    user.ok(["archive", "update", "-q"]);
    user.ok(["archive", "compress", "a", "-q"]);
    let packed = fs::read(&cast).unwrap();
    user.ok(["archive", "decompress", "a", "-q"]);
    // As a process leaves it that ends before the catalogue knows.
    fs::write(&cast, packed).unwrap();
    let time = fs::metadata(&plain).unwrap().modified().unwrap();
    let file = File::options().write(true).open(&cast).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
    let updated: Value = serde_json::from_str(&user.ok(["archive", "update", "--json"])).unwrap();
    assert_eq!(updated["casts"], 0);
    assert!(!plain.exists() && cast.exists());
    let all = listed(&user, &[]);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["compressed"], true);
}

#[test]
fn repair_saves_what_is_whole_of_a_torn_cast() {
    let user = Tvmux::new();
    let made = mixed(2, 2_400_000);
    let bytes = made.bytes();
    let packed = packed(&bytes);
    let cast = user.folder().join("a.cast.zst");
    let mut rng = Rng::with_seed(1);
    let mut cuts = vec![packed.len() - 1, packed.len() - 9, packed.len() / 2];
    cuts.extend((0..6).map(|_| rng.usize(packed.len() / 8..packed.len())));
    for cut in cuts {
        fs::write(&cast, &packed[..cut]).unwrap();
        let wrong = user.run([Path::new("validate"), &cast]);
        assert_ne!(wrong.status.code(), Some(0), "{cut}");
        user.ok([Path::new("repair"), Path::new("--no-backup"), &cast]);
        let repaired = fs::read(&cast).unwrap();
        let plain = zstd::decode_all(&repaired[..]).unwrap();
        assert!(
            Plain::of(file_of(&repaired)).unwrap().is_ok(),
            "{cut}: it has a table"
        );
        // All that any decoder gets out of it, up to the last whole line at least.
        let mut all = Vec::new();
        let _ = zstd::stream::read::Decoder::new(&packed[..cut])
            .unwrap()
            .read_to_end(&mut all);
        let lines = memchr::memrchr(b'\n', &all).map_or(0, |end| end + 1);
        assert!(plain.len() >= lines, "{cut}: {} of {lines}", plain.len());
        assert!(plain[..lines] == bytes[..lines], "{cut}");
        user.ok([Path::new("validate"), &cast]);
    }
    assert!(bytes.len() > 2 * FRAME);
}

#[test]
fn repair_saves_every_frame_behind_a_damaged_one() {
    let user = Tvmux::new();
    let made = mixed(2, 3_400_000);
    let bytes = made.bytes();
    let whole = packed(&bytes);
    let cast = user.folder().join("a.cast.zst");
    let middle = whole.len() / 2;
    for with_table in [true, false] {
        let mut broken = whole.clone();
        for byte in &mut broken[middle..middle + 64] {
            *byte ^= 0x55;
        }
        if !with_table {
            broken.truncate(whole.len() - 3);
        }
        fs::write(&cast, &broken).unwrap();
        let report: Value =
            serde_json::from_str(&user.ok([Path::new("repair"), Path::new("--json"), &cast]))
                .unwrap();
        assert!(report["damaged_frames"].as_u64().unwrap() >= 1, "{report}");
        let backup = PathBuf::from(report["backup"].as_str().unwrap());
        assert!(fs::read(&backup).unwrap() == broken);
        let plain = zstd::decode_all(&fs::read(&cast).unwrap()[..]).unwrap();
        user.ok([Path::new("validate"), &cast]);
        // Start and end are there; what is missing is less than a frame.
        assert!(plain[..FRAME / 2] == bytes[..FRAME / 2]);
        let tail = bytes.len() - FRAME;
        assert!(
            plain.ends_with(&bytes[tail..]),
            "with a table: {with_table}"
        );
        assert!(plain.len() + 2 * FRAME > bytes.len());
    }
    // A whole one is left as it is.
    fs::write(&cast, &whole).unwrap();
    user.ok([Path::new("repair"), &cast]);
    assert!(fs::read(&cast).unwrap() == whole);
    let salvaged = {
        let mut all = Vec::new();
        let file = file_of(&whole);
        let mut salvage = Salvage::new(&file).unwrap();
        salvage.read_to_end(&mut all).unwrap();
        assert_eq!(salvage.damaged(), 0);
        all
    };
    assert!(salvaged == bytes);
}

#[test]
fn a_damaged_frame_is_an_error_and_not_other_bytes() {
    let plain = mixed(4, 1_500_000).bytes();
    let mut packed = packed(&plain);
    packed[5_000] ^= 1;
    let file = Plain::of(file_of(&packed)).unwrap().unwrap();
    let error = file.read_exact_at(&mut [0; 100], 0).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    let mut input = Unpacked::new(&packed[..]).unwrap();
    let error = input.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
}
