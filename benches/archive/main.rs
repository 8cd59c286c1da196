//! The archive: what it costs to read casts into it, how large it gets, and how long
//! a search takes, the whole process. Beside it, of the same casts: the emulator
//! alone, and grep over their transcripts, compressed.
//!
//! ```text
//! cargo bench --bench archive
//! ```
//!
//! `ARCHIVE_BENCH_MB` sets the size of all casts (300), `ARCHIVE_BENCH_ROUNDS` how often
//! they are played and read (3), `ARCHIVE_BENCH_BESIDE_MB` how much of them becomes
//! transcripts and is compressed (all), `ARCHIVE_BENCH_DIR` the folder for them,
//! `ARCHIVE_BENCH_SMALL` how many small casts are listed (10000). Where
//! `ARCHIVE_BENCH_KEEP` is set the folder stays, with the planted words in `planted.txt`.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use tvmux::cast::{Code, EventReader, Strictness, TextBuffer};
use tvmux::screen::{Rules, Screen};

mod casts;
#[path = "../corpus/mod.rs"]
mod corpus;
mod packed;

/// Searches of each kind.
const SEARCHES: usize = 40;

/// Planted words that are looked for at most.
const LOOKED: usize = 400;

fn main() {
    // `cargo test --benches` only wants to know that it starts.
    if env::args().any(|argument| argument == "--test") {
        return;
    }
    let number = |name: &str, usual: u64| {
        let given = env::var(name).ok().and_then(|text| text.parse().ok());
        given.unwrap_or(usual)
    };
    let megabytes = number("ARCHIVE_BENCH_MB", 300);
    let bytes = megabytes * 1_000_000;
    let beside = number("ARCHIVE_BENCH_BESIDE_MB", megabytes) * 1_000_000;
    let parent = env::var_os("ARCHIVE_BENCH_DIR").map_or_else(env::temp_dir, PathBuf::from);
    let mut folder = tempfile::tempdir_in(parent).expect("a folder for the casts");
    folder.disable_cleanup(env::var_os("ARCHIVE_BENCH_KEEP").is_some());
    let home = Home(folder.path().join("large"));
    let (planted, count) = casts::fill(&home.casts(), bytes).expect("casts are written");
    println!(
        "{count} casts, {:.0} MB, {} words planted",
        bytes as f64 / 1e6,
        planted.len()
    );

    let words: Vec<&str> = planted.iter().map(|planted| &*planted.word).collect();
    fs::write(folder.path().join("planted.txt"), words.join("\n")).expect("a file");

    reading(&home, number("ARCHIVE_BENCH_ROUNDS", 3));
    searching(&home, &planted);
    let casts = home.some_casts(beside);
    transcripts(&home, &casts, &planted);
    packed::compressing(&home, &casts);

    let small = Home(folder.path().join("small"));
    let count = number("ARCHIVE_BENCH_SMALL", 10_000) as usize;
    casts::fill_small(&small.casts(), count).expect("casts are written");
    small.run(&["archive", "update", "-q"]);
    for args in [&["ls"][..], &["archive", "update", "-q"]] {
        let times = (0..SEARCHES).map(|_| small.time(args)).collect();
        report(&format!("{count} casts: {}", args.join(" ")), times);
    }
}

/// A user with casts.
struct Home(PathBuf);

impl Home {
    fn casts(&self) -> PathBuf {
        self.0.join("casts")
    }

    /// The first casts, about `bytes` of them.
    fn some_casts(&self, bytes: u64) -> Vec<PathBuf> {
        let files = fs::read_dir(self.casts()).expect("the casts");
        let mut casts: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
        casts.sort();
        let mut left = bytes;
        casts.retain(|cast| {
            let is_in = left > 0;
            left = left.saturating_sub(fs::metadata(cast).map_or(0, |found| found.len()));
            is_in
        });
        casts
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tvmux"));
        command
            .args(args)
            .env("HOME", &self.0)
            .env("XDG_DATA_HOME", self.0.join("data"))
            .env("XDG_STATE_HOME", self.0.join("state"))
            .env("XDG_CONFIG_HOME", self.0.join("config"))
            .env("XDG_RUNTIME_DIR", &self.0)
            .env("TVMUX_OUTPUT_DIRECTORY", self.casts())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) {
        self.command(args).status().expect("tvmux runs");
    }

    fn time(&self, args: &[&str]) -> Duration {
        let start = Instant::now();
        self.run(args);
        start.elapsed()
    }

    /// Removes what was read of the casts.
    fn forget(&self) {
        let _ = fs::remove_dir_all(self.0.join("data"));
    }

    fn database(&self) -> u64 {
        let files = fs::read_dir(self.0.join("data/tvmux")).expect("the archive's folder");
        files
            .map(|file| {
                file.and_then(|file| file.metadata())
                    .map_or(0, |found| found.len())
            })
            .sum()
    }
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at =
        |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    println!(
        "{what}: median {:.1} ms, 95 % {:.1} ms, slowest {:.1} ms",
        at(50),
        at(95),
        at(100)
    );
}

/// Processor time and largest memory of the children so far.
fn children() -> (Duration, i64) {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage");
    let time = |time: nix::sys::time::TimeVal| {
        Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000)
    };
    (
        time(usage.user_time()) + time(usage.system_time()),
        usage.max_rss(),
    )
}

/// Plays casts and reads them into the archive, so often; the quickest counts.
fn reading(home: &Home, rounds: u64) {
    let (emulator, output, size) = emulate(&home.casts());
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let update = || {
        home.forget();
        let before = children().0;
        let start = Instant::now();
        home.run(&["archive", "update", "-q"]);
        (start.elapsed(), children().0 - before)
    };
    // One after the other, again and again: the machine is not always as fast.
    let [mut of_one, mut of_all] = [Duration::MAX; 2];
    let [mut on_all, mut on_one] = [(Duration::MAX, Duration::MAX); 2];
    for _ in 0..rounds {
        of_one = of_one.min(play(&home.casts(), 1));
        on_all = on_all.min(update());
        of_all = of_all.min(play(&home.casts(), cores));
        on_one = on_one.min(on_one_core(update));
    }
    let ((passed, used), (on_one, used_on_one)) = (on_all, on_one);
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let speed = |time: Duration| megabytes(output) / time.as_secs_f64();
    let part = |of: Duration, time: Duration| 100.0 * of.as_secs_f64() / time.as_secs_f64();
    println!(
        "MB/s of output. The emulator alone, by its processor time: {:.1}. Playing the casts \
         into it: {:.1} with one thread, {:.1} with {cores}",
        speed(emulator),
        speed(of_one),
        speed(of_all)
    );
    println!(
        "reading them into the archive, on all {cores} cores: {:.1}, {:.0} % of playing with one \
         thread, {:.0} % of playing with {cores}; on one core: {:.1}, {:.0} % of playing with one \
         thread; by processor time {:.0} % and {:.0} % of the emulator alone; memory {:.0} MB",
        speed(passed),
        part(of_one, passed),
        part(of_all, passed),
        speed(on_one),
        part(of_one, on_one),
        part(emulator, used),
        part(emulator, used_on_one),
        children().1 as f64 / 1e3
    );
    let index = home.database();
    println!(
        "archive {:.1} MB, {:.1} % of the casts",
        megabytes(index),
        100.0 * index as f64 / size as f64
    );
}

/// Does some work while this process, and those that it starts, may use the first core
/// alone.
fn on_one_core<T>(work: impl FnOnce() -> T) -> T {
    use nix::libc;
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: a set of cores is plain bits, and both calls are given its size.
    let before = unsafe {
        let mut before: libc::cpu_set_t = std::mem::zeroed();
        assert_eq!(libc::sched_getaffinity(0, size, &mut before), 0);
        let first = (0..libc::CPU_SETSIZE as usize).find(|core| libc::CPU_ISSET(*core, &before));
        let mut one: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(first.expect("a core"), &mut one);
        assert_eq!(libc::sched_setaffinity(0, size, &one), 0);
        before
    };
    let done = work();
    // SAFETY: as above.
    assert_eq!(unsafe { libc::sched_setaffinity(0, size, &before) }, 0);
    done
}

/// Plays all casts into screens, `threads` at once; gives the time that passed.
fn play(casts: &Path, threads: usize) -> Duration {
    let files = fs::read_dir(casts).expect("the casts");
    let files = Mutex::new(files.map(|cast| cast.expect("a cast").path()));
    let next = || files.lock().expect("nobody panics").next();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(cast) = next() {
                    play_one(&cast);
                }
            });
        }
    });
    start.elapsed()
}

fn play_one(cast: &Path) {
    let file = File::open(cast).expect("a cast");
    let mut reader = EventReader::new(file, Strictness::Forgiving).expect("a cast");
    let (width, height) = (reader.header().width, reader.header().height);
    let mut screen = Screen::new(width, height, Rules::OTHER);
    let mut text = TextBuffer::default();
    while let Some(event) = reader.next().expect("an event") {
        if event.code == Code::Output {
            screen.feed(event.data.decode(&mut text).as_bytes());
        }
    }
    std::hint::black_box(screen);
}

/// Feeds all output to screens; gives the processor time of that alone, the bytes of
/// output and of the casts.
fn emulate(casts: &Path) -> (Duration, u64, u64) {
    let (mut time, mut bytes, mut size) = (Duration::ZERO, 0, 0);
    for cast in fs::read_dir(casts).expect("the casts") {
        let file = File::open(cast.expect("a cast").path()).expect("a cast");
        size += file.metadata().map_or(0, |found| found.len());
        let mut reader = EventReader::new(file, Strictness::Forgiving).expect("a cast");
        let (width, height) = (reader.header().width, reader.header().height);
        let mut screen = Screen::new(width, height, Rules::OTHER);
        let mut texts: Vec<String> = Vec::new();
        while let Some(event) = reader.next().expect("an event") {
            if event.code == Code::Output {
                bytes += event.data.to_str().len() as u64;
                texts.push(event.data.to_str().into_owned());
            }
        }
        let start = cpu_time();
        texts.iter().for_each(|text| screen.feed(text.as_bytes()));
        time += cpu_time() - start;
    }
    (time, bytes, size)
}

fn cpu_time() -> Duration {
    let clock = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
    nix::time::clock_gettime(clock)
        .expect("every thread has a clock of its own")
        .into()
}

fn searching(home: &Home, planted: &[casts::Planted]) {
    let (mut wrong, mut times) = (0, Vec::new());
    let looked = planted.len().min(LOOKED);
    for planted in planted.iter().rev().take(looked) {
        let start = Instant::now();
        let output = home
            .command(&["search", "-q", &planted.word])
            .stdout(Stdio::piped())
            .output()
            .expect("tvmux runs");
        times.push(start.elapsed());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let at = text
            .trim()
            .rsplit_once(" --at ")
            .and_then(|(_, at)| at.parse::<f64>().ok());
        let is_cast = text.contains(&format!("_@{}_", planted.cast));
        let is_time = at.is_some_and(|at| (at - planted.second).abs() < 0.05);
        if text.lines().count() != 1 || !is_cast || !is_time {
            wrong += 1;
            let (word, second) = (&planted.word, planted.second);
            println!("  {word} of {second} s in cast {}: {text:?}", planted.cast);
        }
    }
    report("rare word", times);
    println!("  found at its moment, once: all of {looked} but {wrong}");
    let first = |args: &[&str]| {
        let start = Instant::now();
        let mut child = home
            .command(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("tvmux runs");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let time = start.elapsed();
        let _ = child.kill();
        let _ = child.wait();
        time
    };
    let frequent = ["request", "Compiling", "漢字"];
    let times = (0..SEARCHES)
        .map(|at| first(&["search", "-q", frequent[at % 3]]))
        .collect();
    report("frequent word, first line", times);
    let words = planted.iter().rev().take(SEARCHES);
    let times = words.map(|planted| {
        let pattern = format!(r"{}\s+w[a-z]s\b", &planted.word[..8]);
        home.time(&["search", "-q", "-E", &pattern])
    });
    report("expression with a literal", times.collect());
    report(
        "word that is nowhere",
        (0..SEARCHES)
            .map(|_| home.time(&["search", "zqxjkvbp"]))
            .collect(),
    );
    report(
        "number that is nowhere",
        (0..5)
            .map(|_| home.time(&["search", "918273645918"]))
            .collect(),
    );
    report(
        "expression without a literal",
        (0..3)
            .map(|_| home.time(&["search", "-q", "-E", r"[a-z]{30}"]))
            .collect(),
    );
    report(
        "two letters that are nowhere",
        (0..3).map(|_| home.time(&["search", "-q", "Qz"])).collect(),
    );
}

/// rg, or grep, over transcripts that zstd has compressed.
fn transcripts(home: &Home, casts: &[PathBuf], planted: &[casts::Planted]) {
    let folder = home.0.join("text");
    fs::create_dir_all(&folder).expect("a folder");
    let (mut plain, mut packed) = (0, 0);
    for cast in casts {
        let name = cast.file_name().expect("a name");
        let text = folder.join(name).with_extension("txt");
        let paths = [cast, &text].map(|path| path.to_str().expect("a name"));
        home.run(&["convert", "-q", paths[0], paths[1], "--timestamps"]);
        let bytes = fs::read(&text).expect("a transcript");
        let small = zstd::encode_all(&bytes[..], 3).expect("zstd");
        plain += bytes.len();
        packed += small.len();
        fs::write(text.with_extension("zst"), small).expect("a file");
    }
    println!(
        "transcripts of {} casts: {:.1} MB, compressed {:.1} MB",
        casts.len(),
        plain as f64 / 1e6,
        packed as f64 / 1e6
    );
    let is_there = |program: &str| {
        let mut command = Command::new(program);
        let status = command.arg("--version").stdout(Stdio::null()).status();
        status.is_ok()
    };
    let grep = match is_there("rg") {
        true => "rg",
        false => "grep",
    };
    if is_there("zstd") {
        let line = format!(
            "cat {}/*.zst | zstd -dc | {grep} -F -c \"$1\"",
            folder.display()
        );
        let words = planted.iter().take(5).map(|planted| {
            let start = Instant::now();
            let mut sh = Command::new("sh");
            let _ = sh
                .args(["-c", &line, "sh", &planted.word])
                .stdout(Stdio::null())
                .status();
            start.elapsed()
        });
        report(&format!("zstd -dc | {grep} -F"), words.collect());
    }
}
