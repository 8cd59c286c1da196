//! Parts that are made, taken back, left and begun again.

use super::*;

fn write(cast: &Path, lines: &[u8]) -> DiskFile {
    DiskFile::create(cast, lines).unwrap()
}

fn header() -> Header {
    Header {
        width: 80,
        height: 24,
        ..Header::default()
    }
}

#[test]
fn a_part_that_was_not_come_to_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let cast = folder.path().join("x.cast");
    let mut recorder = Recorder::new(&header(), 1 << 20);
    recorder.output(3_000_000, b"output");
    let lines = recorder.take_copy();
    let file = write(&cast, &lines);
    let kept = Carry::create(&folder.path().join("kept")).unwrap();
    recorder.keep(kept, file.id().unwrap(), 0);
    let earlier = Earlier::default().and(recorder.stats());
    let made = make_part(&cast, earlier, header(), b"\x1b[Hscreen").unwrap();
    assert_eq!(made.path, folder.path().join("x.part002.cast"));

    // The journal names the new one, and no line went there.
    let kept = Carry::find(&folder.path().join("kept")).unwrap();
    let (mut path, mut told) = (made.path.clone(), earlier);
    take_back_unfinished(&kept, &mut path, &mut told);
    assert_eq!((&path, told), (&cast, Earlier::default()));
    assert!(remove_unused(&path) && !made.path.exists());
    assert!(!remove_unused(&path), "once");

    // Nor is one in the way that a daemon before has left.
    make_part(&cast, earlier, header(), b"\x1b[Hscreen").unwrap();
    let made = make_part(&cast, earlier, header(), b"\x1b[Hother").unwrap();
    recorder.go_on_in(made.id, made.length, made.events, 5);
    let kept = Carry::find(&folder.path().join("kept")).unwrap();
    let (mut path, mut told) = (made.path.clone(), earlier);
    take_back_unfinished(&kept, &mut path, &mut told);
    assert_eq!((&path, told), (&made.path, earlier), "it has been come to");
    assert_eq!(kept.written(), (made.length, made.events));
}

#[test]
fn what_a_power_cut_left_of_the_next_part_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let cast = folder.path().join("x.cast");
    write(&cast, b"{\"version\":2,\"width\":80,\"height\":24}\n");
    let next = chain::part_path(&cast, 2);
    let earlier = Earlier::default().and(Stats::default());
    let aside = |number| next.with_extension(format!("cast.damaged-{number}"));
    let torn = &b"{\"version\":2,\"wid"[..];
    for (left, kept) in [(&b""[..], 0), (&[0; 4096], 0), (torn, 1), (torn, 2)] {
        fs::write(&next, left).unwrap();
        let made = make_part(&cast, earlier, header(), b"screen").unwrap();
        assert_eq!(made.path, next);
        assert_eq!(chain::part_of(&next).unwrap().number, 2);
        assert!(!aside(kept + 1).exists());
        assert!(kept == 0 || fs::read(aside(kept)).unwrap() == left);
        fs::remove_file(&next).unwrap();
    }
}

#[test]
fn a_part_that_something_was_recorded_in_is_never_removed() {
    let folder = tempfile::tempdir().unwrap();
    let cast = folder.path().join("x.cast");
    write(&cast, b"{\"version\":2,\"width\":80,\"height\":24}\n");
    let earlier = Earlier {
        casts: 1,
        ..Earlier::default()
    };
    let made = make_part(&cast, earlier, header(), b"screen").unwrap();
    let mut bytes = fs::read(&made.path).unwrap();
    bytes.extend_from_slice(b"[1.0, \"o\", \"x\"]\n");
    fs::write(&made.path, &bytes).unwrap();
    assert!(!remove_unused(&cast));
    let taken = make_part(&cast, earlier, header(), b"screen").unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
    // One of another recording.
    let text = String::from_utf8(bytes).unwrap();
    fs::write(&made.path, text.replace("x.cast", "y.cast")).unwrap();
    assert!(!remove_unused(&cast) && made.path.exists());
}

/// A cast that only holds its opening so far, and its length.
fn opened() -> (Recorder, u64) {
    let mut recorder = Recorder::new(&header(), 1 << 20);
    recorder.snapshot(0, 80, 24, b"\x1b[Hscreen");
    let opening = recorder.stats().bytes;
    (recorder, opening)
}

fn at(seconds: u64, recorder: &Recorder) -> Writing<'_> {
    Writing {
        cast: Path::new("x.cast"),
        recorder,
        time: seconds * 1_000_000,
        is_calm: false,
    }
}

/// An eighth of a flashback of 80 seconds.
const LAST: Limits = Limits {
    size: Some(1 << 20),
    every: Some(Duration::from_secs(10)),
    is_strict: true,
    is_now: false,
};

#[test]
fn a_recording_that_is_paused_leaves_one_cast_more_and_then_rests() {
    let (mut recorder, opening) = opened();
    let mut rotation = Rotation {
        opening,
        ..Rotation::default()
    };
    // Nothing was recorded behind its screen: it is not woken, nor is it due.
    rotation.turn(LAST, at(3, &recorder));
    assert_eq!(rotation.due(), None);
    assert!(!rotation.is_due(LAST, &at(1000, &recorder)));
    // The marker of the pause is worth a cast, when its time is up.
    recorder.marker(4_000_000, "tvmux: paused");
    let before = Instant::now();
    rotation.turn(LAST, at(4, &recorder));
    let due = rotation.due().unwrap();
    assert!(due >= before + Duration::from_secs(6) && due <= Instant::now() + LAST.every.unwrap());
    assert!(!rotation.is_due(LAST, &at(9, &recorder)));
    assert!(rotation.is_due(LAST, &at(10, &recorder)));
    // The next one has a screen alone again, however long the pause is.
    let (mut recorder, opening) = opened();
    rotation.opening = opening;
    rotation.turn(LAST, at(0, &recorder));
    assert_eq!(rotation.due(), None);
    assert!(!rotation.is_due(LAST, &at(100_000, &recorder)));
    // What comes behind the pause goes on in a part of its own time.
    recorder.marker(100_000_000_000, "tvmux: resumed");
    assert!(rotation.is_due(LAST, &at(100_000, &recorder)));
    // And whoever wants all to be kept from here on does not wait for it.
    let now = Limits {
        is_now: true,
        ..LAST
    };
    let (recorder, opening) = opened();
    rotation.opening = opening;
    assert!(rotation.is_due(now, &at(0, &recorder)));
}

#[test]
fn what_was_read_of_a_cast_that_was_removed_does_not_count() {
    for is_sealed in [false, true] {
        let (questions, _asked) = mpsc::unbounded_channel();
        let (sender, answers) = mpsc::channel(1);
        let helper = Helper { questions, answers };
        let state = match is_sealed {
            false => State::Reading {
                helper,
                is_ready: true,
            },
            true => State::Sealed {
                helper,
                by: Instant::now() + SEALED,
                asked: Some(5000),
            },
        };
        let mut rotation = Rotation {
            state,
            opening: 5000,
            ..Rotation::default()
        };
        rotation.start_over();
        assert!(!rotation.is_sealed() && sender.is_closed());
        // What the new one has counts from its first byte.
        let (recorder, _) = opened();
        assert!(rotation.is_due(LAST, &at(10, &recorder)));
    }
}
