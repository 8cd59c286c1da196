//! How fast the parts of the recorder are, each for itself, over corpora that
//! look like real terminals, in bulk and in the chunks that a pipe gives.
//!
//! Time is processor time of the one thread, so that a busy machine does not
//! count; waits for the disk do not either.
#![allow(clippy::unwrap_used)]

#[path = "../corpus/mod.rs"]
mod corpus;
mod cpu_time;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::Write;
use std::time::Duration;

use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use tvmux::cast::{Header, Utf8Carry};
use tvmux::record::{CastFile, DiskFile, Fifo, Lines, Read, Recorder, Storage, cut_tail};
use tvmux::tmux::{PaneId, Separator, Snapshot, Version, snapshot};

use corpus::Kind;
use cpu_time::CpuTime;

/// How much of a corpus one iteration takes.
const SIZE: usize = 1024 * 1024;

/// The cuts of a corpus: whole, as a keyboard, a program, a pty and a pipe give
/// it.
const CHUNKS: [usize; 5] = [SIZE, 1, 64, 4095, 65_536];

fn group<'a>(criterion: &'a mut Criterion<CpuTime>, name: &str) -> BenchmarkGroup<'a, CpuTime> {
    let mut group = criterion.benchmark_group(name);
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400));
    group
}

/// Measures `run` over every corpus in every cut. One byte at a time gets less
/// of it, so that a run stays short.
fn over_corpora(
    criterion: &mut Criterion<CpuTime>,
    name: &str,
    mut run: impl FnMut(&mut dyn Iterator<Item = &[u8]>),
) {
    let mut group = group(criterion, name);
    for kind in Kind::ALL {
        let whole = kind.bytes(SIZE);
        for chunk in CHUNKS {
            let bytes = &whole[..if chunk == 1 { SIZE / 16 } else { SIZE }];
            let cut = if chunk == SIZE {
                "bulk".to_owned()
            } else {
                chunk.to_string()
            };
            group.throughput(Throughput::Bytes(bytes.len() as u64));
            group.bench_with_input(BenchmarkId::new(kind.name(), cut), bytes, |bench, bytes| {
                bench.iter(|| run(&mut bytes.chunks(chunk)));
            });
        }
    }
}

fn utf8(criterion: &mut Criterion<CpuTime>) {
    over_corpora(criterion, "utf8", |chunks| {
        let mut carry = Utf8Carry::new();
        let mut length = 0;
        for chunk in chunks {
            carry.push(chunk, |text| length += black_box(text).len());
        }
        carry.finish(|text| length += text.len());
        black_box(length);
    });
}

/// The baseline: the same lines by way of serde_json, whose input is text.
fn serde(criterion: &mut Criterion<CpuTime>) {
    let mut out = Vec::new();
    over_corpora(criterion, "encode_serde_json", |chunks| {
        out.clear();
        for (time, chunk) in chunks.enumerate() {
            let text = String::from_utf8_lossy(chunk);
            serde_json::to_writer(&mut out, &(time as f64 / 1e6, "o", text)).unwrap();
            out.push(b'\n');
        }
        black_box(&out);
    });
}

fn header() -> Header {
    Header {
        width: 80,
        height: 24,
        ..Header::default()
    }
}

/// The encoder that ships: what a pane prints to lines that fit into pages.
fn recorder(criterion: &mut Criterion<CpuTime>) {
    let mut spare = Lines::default();
    over_corpora(criterion, "recorder", |chunks| {
        let mut recorder = Recorder::new(&header(), usize::MAX);
        for (time, chunk) in chunks.enumerate() {
            recorder.output(time as u64, chunk);
            if recorder.waiting() >= 256 * 1024 {
                spare = recorder.take(std::mem::take(&mut spare));
                recorder.written(spare.len());
            }
        }
        black_box(recorder.stats());
    });
}

/// From the FIFO into a file, with a write for each 256 KiB and one sync.
fn fifo_to_file(criterion: &mut Criterion<CpuTime>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let folder = tempfile::tempdir().unwrap();
    let mut group = group(criterion, "fifo_to_file");
    for kind in Kind::ALL {
        let bytes = kind.bytes(SIZE);
        let path = folder.path().join(kind.name());
        let mut fifo = Fifo::create(&path).unwrap();
        fifo.set_wide(true);
        let mut writer = OpenOptions::new().write(true).open(&path).unwrap();
        let mut buffer = vec![0; 256 * 1024];
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(kind.name()), |bench| {
            bench.iter_batched(
                || {
                    let file = tempfile::tempfile_in(folder.path()).unwrap();
                    CastFile::new(DiskFile::new(file, &folder.path().join("cast")), 0)
                },
                |mut file| {
                    let mut recorder = Recorder::new(&header(), usize::MAX);
                    let mut spare = Lines::default();
                    for part in bytes.chunks(512 * 1024) {
                        writer.write_all(part).unwrap();
                        while let Read::Bytes(count) = fifo.read(&mut buffer).unwrap() {
                            recorder.output(0, &buffer[..count]);
                            spare = recorder.take(spare);
                            assert!(file.append(&spare).error.is_none());
                        }
                    }
                    file.storage().sync().unwrap();
                    file
                },
                BatchSize::PerIteration,
            );
        });
    }
}

/// A full screen, as tmux tells it, to bytes that paint it.
fn snapshot_building(criterion: &mut Criterion<CpuTime>) {
    let tmux = support::TestTmux::sized("exec cat", 200, 50);
    let version = tmux.server().version_blocking().unwrap();
    let mut group = group(criterion, "snapshot");
    for kind in [Kind::Logs, Kind::Colours, Kind::Redraws, Kind::Wide] {
        let file = tmux.folder().join(kind.name());
        std::fs::write(&file, kind.bytes(64 * 1024)).unwrap();
        let (separator, answer) = screen_of(&tmux, version, &file);
        group.throughput(Throughput::Bytes(answer.len() as u64));
        let mut painted = Vec::new();
        group.bench_function(BenchmarkId::from_parameter(kind.name()), |bench| {
            bench.iter(|| {
                painted.clear();
                let (snapshot, _) = Snapshot::parse(version, &separator, &answer).unwrap();
                snapshot.paint(&mut painted);
                black_box(&painted);
            });
        });
    }
}

/// tmux's answer for a pane that has shown a file.
fn screen_of(
    tmux: &support::TestTmux,
    version: Version,
    file: &std::path::Path,
) -> (Separator, Vec<u8>) {
    let command = format!("cat {}; exec cat", file.display());
    let pane = tmux.tmux(&[
        "new-window",
        "-d",
        "-P",
        "-F",
        "#{pane_id}",
        "-t",
        "main:",
        &command,
    ]);
    support::wait_until("the pane shows the file", || {
        tmux.ask(&pane, "#{pane_current_command} #{cursor_y}") == "cat 49"
            || tmux.ask(&pane, "#{history_size}") != "0"
    });
    let id: PaneId = pane.parse().unwrap();
    let separator = Separator::random();
    let query = snapshot::query(version, id, &separator);
    let answer = tmux.server().run_blocking(&query).unwrap();
    (separator, answer)
}

/// Finding the end of a cast, as a daemon does that goes on after a kill: reads
/// each event.
fn decode(criterion: &mut Criterion<CpuTime>) {
    let mut group = group(criterion, "decode");
    for kind in Kind::ALL {
        let mut file: File = tempfile::tempfile().unwrap();
        let mut recorder = Recorder::new(&header(), usize::MAX);
        for (time, chunk) in kind.bytes(SIZE).chunks(4095).enumerate() {
            recorder.output(time as u64, chunk);
        }
        let lines = recorder.take_copy();
        file.write_all(&lines).unwrap();
        group.throughput(Throughput::Bytes(lines.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(kind.name()), |bench| {
            bench.iter(|| {
                std::io::Seek::rewind(&mut file).unwrap();
                black_box(cut_tail(&file).unwrap());
            });
        });
    }
}

criterion_group!(
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = utf8, serde, recorder, fifo_to_file, snapshot_building, decode
);
criterion_main!(benches);
