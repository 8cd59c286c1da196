//! `tvmux convert` beside `asciinema convert`: the same bytes, casts that mean the
//! same, text that holds every line. `TVMUX_TEST_ASCIINEMA` names the program
//! (3.2); without it nothing is compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tvmux::cast::{EventReader, Micros, Strictness};

fn run(program: &Path, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Where the two differ, and are to: asciinema takes the code `out` for `o`, its
/// terminal draws DEL, and it joins lines that zsh had drawn again after a resize.
const OTHERWISE: [(&str, &str); 4] = [
    ("v2-code-long.cast", "raw"),
    ("v2-code-long.cast", "txt"),
    ("v2-raw-del.cast", "txt"),
    ("zsh.cast", "txt"),
];

/// All good casts of the fixtures.
fn casts() -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let folders = ["cast/repaired", "screen/casts"];
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(fixtures.join(folder)).unwrap());
    let mut casts: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    casts.sort();
    casts
}

/// Size and events of a cast: what two casts that mean the same have in common.
/// `asciinema` writes v3 with milliseconds.
fn meaning(cast: &[u8], unit: Micros) -> (u16, u16, Vec<(Micros, String, String)>) {
    let mut reader = EventReader::new(cast, Strictness::Forgiving).unwrap();
    let (width, height) = (reader.header().width, reader.header().height);
    let mut events = Vec::new();
    while let Some(event) = reader.next().unwrap() {
        events.push((
            (event.time + unit / 2) / unit,
            format!("{:?}", event.code),
            event.data.to_str().into_owned(),
        ));
    }
    (width, height, events)
}

/// Words of lines: what is shown, wherever blanks stand.
fn lines(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect()
}

#[test]
fn recordings_become_what_asciinema_makes_of_them() {
    let Some(asciinema) = std::env::var_os("TVMUX_TEST_ASCIINEMA").map(PathBuf::from) else {
        return;
    };
    let tvmux = Path::new(env!("CARGO_BIN_EXE_tvmux"));
    let folder = tempfile::tempdir().unwrap();
    let (mut compared, mut wrong) = (0, Vec::new());
    for cast in casts() {
        let name = cast.to_str().unwrap();
        for format in ["raw", "asciicast-v2", "asciicast-v3", "txt"] {
            let theirs = folder.path().join("theirs");
            let out = theirs.to_str().unwrap();
            let run_theirs = ["convert", "--overwrite", "-q", "-f", format, name, out];
            let file = cast.file_name().unwrap().to_str().unwrap();
            if OTHERWISE.contains(&(file, format)) {
                continue;
            }
            if !run(&asciinema, &run_theirs).status.success() {
                continue;
            }
            let theirs = fs::read(&theirs).unwrap();
            let ours = run(tvmux, &["convert", "-q", "--to", format, name, "-"]);
            if !ours.status.success() {
                let message = String::from_utf8_lossy(&ours.stderr).into_owned();
                wrong.push(format!("{name} {format}: {message}"));
                continue;
            }
            let ours = ours.stdout;
            compared += 1;
            let same = match format {
                "raw" => ours == theirs,
                "txt" => {
                    let ours = lines(&ours);
                    lines(&theirs).iter().all(|line| ours.contains(line))
                }
                "asciicast-v3" => meaning(&ours, 1000) == meaning(&theirs, 1000),
                _ => meaning(&ours, 1) == meaning(&theirs, 1),
            };
            if !same {
                wrong.push(format!("{name} {format}"));
            }
        }
    }
    assert!(compared > 400, "{compared} conversions");
    assert!(
        wrong.is_empty(),
        "{} of {compared} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
