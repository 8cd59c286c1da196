//! Bytes into a screen: megabytes for each second of processor time.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tvmux::screen::{Rules, Screen};

#[path = "corpus/mod.rs"]
mod corpus;
#[path = "throughput/cpu_time.rs"]
mod cpu_time;

use corpus::{Kind, Numbers, SEED};
use cpu_time::CpuTime;

const SIZE: usize = 4 << 20;
/// About what one read of a terminal gives.
const READ: usize = 4096;

/// A table of processes that is drawn again and again.
fn processes(size: usize) -> Vec<u8> {
    let mut numbers = Numbers::new(SEED);
    let mut out = String::new();
    while out.len() < size {
        let n = numbers.next();
        out += &format!(
            "\x1b[{};3H\x1b[36m{:2}\x1b[39m\x1b[1m[\x1b[22m\x1b[32m{}\x1b[31m{}\x1b[90m{:>5}.{}%\
             \x1b[39m\x1b[1m]\x1b(B\x1b[m\x1b[{};1H\x1b[30m\x1b[42m{:>7} root      20   0 {:>6}M\
             \x1b[36m{:>6}\x1b[39m S {:>4}.{} \x1b[32m/usr/bin/worker\x1b[39m\x1b[K",
            n % 8 + 2,
            n % 16,
            "|".repeat((n % 20) as usize),
            "|".repeat((n % 7) as usize),
            n % 100,
            n % 10,
            n % 14 + 10,
            n % 99_999,
            n % 3000,
            n % 900,
            n % 99,
            n % 10,
        );
    }
    out.into_bytes()
}

/// Lines of Chinese characters.
fn ideographs(size: usize) -> Vec<u8> {
    let mut numbers = Numbers::new(SEED);
    let mut out = String::new();
    while out.len() < size {
        let count = 20 + numbers.below(30);
        out.extend(
            (0..count).filter_map(|_| char::from_u32(0x4e00 + numbers.below(0x5000) as u32)),
        );
        out += "\r\n";
    }
    out.into_bytes()
}

fn feed(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("screen");
    group
        .throughput(Throughput::Bytes(SIZE as u64))
        .sample_size(10);
    let kinds = Kind::ALL.map(|kind| (kind.name(), kind.bytes(SIZE)));
    let more = [
        ("processes", processes(SIZE)),
        ("ideographs", ideographs(SIZE)),
    ];
    for (name, bytes) in kinds.into_iter().chain(more) {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut screen = Screen::new(80, 24, Rules::TMUX_3_3);
                bytes.chunks(READ).for_each(|part| screen.feed(part));
                black_box(screen.cursor())
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = feed
}
criterion_main!(benches);
