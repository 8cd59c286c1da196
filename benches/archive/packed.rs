//! Compressed casts: how small they get, how long that takes, and how long it takes to
//! show a moment of one, the whole process.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tvmux::packed::{Unpacked, packed_path};

use super::{Home, SEARCHES, children, report};

/// Compresses casts, and compares what each shows before and after.
pub fn compressing(home: &Home, casts: &[PathBuf]) {
    let sums: Vec<u64> = casts.iter().map(|cast| sum(cast)).collect();
    let size = |cast: &Path| fs::metadata(cast).map_or(0, |found| found.len());
    let before: u64 = casts.iter().map(|cast| size(cast)).sum();
    moments(home, &casts[0], "plain");

    let cpu = children().0;
    let start = Instant::now();
    for cast in casts {
        home.run(&["archive", "compress", "-q", name(cast)]);
    }
    let (took, cpu) = (start.elapsed(), children().0 - cpu);
    let packed: Vec<PathBuf> = casts.iter().map(|cast| packed_path(cast)).collect();
    let after: u64 = packed.iter().map(|cast| size(cast)).sum();
    let rate = |time: Duration| before as f64 / 1e6 / time.as_secs_f64();
    println!(
        "compressed: {:.1} MB of {:.1} MB, {:.1} %; {:.0} MB/s, {:.0} MB/s of processor time",
        after as f64 / 1e6,
        before as f64 / 1e6,
        100.0 * after as f64 / before as f64,
        rate(took),
        rate(cpu),
    );
    let same = packed.iter().map(|cast| sum(cast)).eq(sums);
    println!("  unpacked bytes are the same: {same}");
    moments(home, &packed[0], "compressed");
    let start = Instant::now();
    home.run(&["archive", "update", "-q"]);
    println!(
        "  update after that: {:.0} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
}

fn moments(home: &Home, cast: &Path, what: &str) {
    // Goes through the cast, unless its keyframes are known.
    let first = home.time(&["screenshot", "--at", "99%", name(cast)]);
    println!("{what}, first moment: {:.0} ms", first.as_secs_f64() * 1e3);
    let at = |number: usize| format!("{}%", (number * 37) % 100);
    let times = (0..SEARCHES)
        .map(|number| home.time(&["screenshot", "--at", &at(number), name(cast)]))
        .collect();
    report(&format!("{what}, any moment"), times);
}

fn name(path: &Path) -> &str {
    path.to_str().expect("a name")
}

/// A sum of the plain bytes of a cast.
fn sum(path: &Path) -> u64 {
    use std::hash::Hasher;
    let mut hasher = std::hash::DefaultHasher::new();
    let file = File::open(path).expect("a cast");
    let mut input = Unpacked::new(file).expect("a cast");
    let mut block = vec![0; 1 << 20];
    loop {
        match input.read(&mut block).expect("a cast") {
            0 => return hasher.finish(),
            count => hasher.write(&block[..count]),
        }
    }
}
