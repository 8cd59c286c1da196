//! The process between a pane and its FIFO hands on all, holds up nobody, and
//! ends when either side has gone.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc;
use std::thread;

use nix::sys::stat::Mode;
use tvmux::record::relay::VERB;

use crate::support::{DEADLINE, wait_for, wait_until};

struct Relay {
    input: UnixStream,
    output: File,
    process: Child,
    _folder: tempfile::TempDir,
}

fn open(path: &Path) -> File {
    let no_wait = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let mut options = File::options();
    options.read(true).custom_flags(no_wait).open(path).unwrap()
}

impl Relay {
    fn start() -> Relay {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        let output = open(&path);
        let (input, theirs) = UnixStream::pair().unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_tvmux"))
            .arg(VERB)
            .stdin(OwnedFd::from(theirs))
            .stdout(File::options().write(true).open(&path).unwrap())
            .spawn()
            .unwrap();
        Relay {
            input,
            output,
            process,
            _folder: folder,
        }
    }

    /// Reads until `size` bytes are there.
    fn read(&mut self, size: usize) -> Vec<u8> {
        let mut all = vec![0; size];
        let mut done = 0;
        wait_until("all is handed on", || {
            match self.output.read(&mut all[done..]) {
                Ok(count) => done += count,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            done == size
        });
        all
    }

    fn end(&mut self) -> ExitStatus {
        wait_for("the relay ends", || self.process.try_wait().unwrap())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn everything_is_handed_on_in_order() {
    let mut relay = Relay::start();
    let sent: Vec<u8> = (0..5_000_000u32).flat_map(u32::to_le_bytes).collect();
    let mut input = relay.input.try_clone().unwrap();
    let copy = sent.clone();
    let writer = thread::spawn(move || {
        for piece in copy.chunks(4000) {
            input.write_all(piece).unwrap();
        }
        input.shutdown(std::net::Shutdown::Both).unwrap();
    });
    assert!(relay.read(sent.len()) == sent, "what comes out went in");
    writer.join().unwrap();
    assert!(relay.end().success());
}

#[test]
fn a_relay_that_waits_holds_up_no_reader() {
    let mut relay = Relay::start();
    relay.input.write_all(b"first").unwrap();
    assert_eq!(relay.read(5), b"first");
    // The relay waits for more now, or is about to.
    let mut output = relay.output.try_clone().unwrap();
    let (sender, answer) = mpsc::channel();
    thread::spawn(move || {
        for _ in 0..1000 {
            let read = output.read(&mut [0; 8]);
            let _ = sender.send(read.map_err(|error| error.kind()));
            thread::yield_now();
        }
    });
    for _ in 0..1000 {
        let read = answer
            .recv_timeout(DEADLINE)
            .expect("a read returns at once");
        assert_eq!(read, Err(ErrorKind::WouldBlock));
    }
}

#[test]
fn it_ends_when_nobody_reads_any_more() {
    let mut relay = Relay::start();
    relay.input.write_all(b"first").unwrap();
    assert_eq!(relay.read(5), b"first");
    relay.output = tempfile::tempfile().unwrap();
    relay.input.write_all(b"second").unwrap();
    assert!(!relay.end().success());
}

/// A relay that a daemon has left word for how it is called: the test itself.
struct Held {
    input: UnixStream,
    fifo: std::path::PathBuf,
    process: Child,
    folder: tempfile::TempDir,
}

impl Held {
    fn start(bound: usize) -> (Held, File) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("pipes")).unwrap();
        let fifo = folder.path().join("pipes/fifo");
        nix::unistd::mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        let reader = open(&fifo);
        let format = 0x7476_6c65_6400_0001u64.to_le_bytes();
        let mut ledger = File::options();
        let ledger = ledger.create_new(true).write(true).mode(0o600);
        let mut ledger = ledger
            .open(folder.path().join("pipes/fifo.ledger"))
            .unwrap();
        ledger.write_all(&format).unwrap();
        ledger.set_len(4096).unwrap();
        let (input, theirs) = UnixStream::pair().unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_tvmux"))
            .arg(VERB)
            .arg(&fifo)
            .arg(bound.to_string())
            .stdin(OwnedFd::from(theirs))
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let held = Held {
            input,
            fifo,
            process,
            folder,
        };
        (held, reader)
    }

    /// A word of the ledger.
    fn word(&self, index: u64) -> u64 {
        let ledger = File::open(self.folder.path().join("pipes/fifo.ledger")).unwrap();
        let mut word = [0; 8];
        std::os::unix::fs::FileExt::read_exact_at(&ledger, &mut word, index * 8).unwrap();
        u64::from_le_bytes(word)
    }

    fn set_word(&self, index: u64, value: u64) {
        let path = self.folder.path().join("pipes/fifo.ledger");
        let ledger = File::options().write(true).open(path).unwrap();
        let word = value.to_le_bytes();
        std::os::unix::fs::FileExt::write_all_at(&ledger, &word, index * 8).unwrap();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const HOLDING: u64 = 2;
const READER: u64 = 3;
const LET_GO: u64 = 4;
const HOLE: u64 = 7;
const DROPPED: u64 = 8;

fn read_all(reader: &mut File, all: &mut Vec<u8>, until: usize) {
    let mut buffer = vec![0; 65536];
    wait_until("all is handed on", || {
        match reader.read(&mut buffer) {
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        all.len() >= until
    });
}

#[test]
fn what_comes_while_nobody_reads_is_handed_to_the_next_reader() {
    let (mut relay, mut reader) = Held::start(1 << 20);
    let sent: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    let (first, rest) = sent.split_at(5000);
    relay.input.write_all(first).unwrap();
    let mut all = Vec::new();
    read_all(&mut reader, &mut all, 1000);
    drop(reader);
    wait_until("the relay holds", || relay.word(HOLDING) == 1);
    relay.input.write_all(rest).unwrap();
    let mut reader = open(&relay.fifo);
    relay.set_word(READER, 1);
    read_all(&mut reader, &mut all, sent.len());
    assert!(all == sent, "what comes out went in");
    wait_until("it passes on again", || relay.word(HOLDING) == 0);
    relay.input.write_all(b"live").unwrap();
    read_all(&mut reader, &mut all, sent.len() + 4);
    assert_eq!(relay.word(DROPPED), 0);
    // Nobody wants more.
    relay.set_word(LET_GO, 1);
    drop(reader);
    let ended = wait_for("it ends", || relay.process.try_wait().unwrap());
    assert!(ended.success());
}

#[test]
fn a_reader_that_stands_still_holds_nobody_up() {
    let (mut relay, mut reader) = Held::start(100_000);
    let sent: Vec<u8> = (0..500_000u32).flat_map(u32::to_le_bytes).collect();
    // More than the FIFO and the bound take: it would wait forever.
    relay.input.write_all(&sent).unwrap();
    relay.input.shutdown(std::net::Shutdown::Write).unwrap();
    wait_until("all is taken", || {
        let hole = relay.word(HOLE).checked_sub(1);
        hole.is_some_and(|hole| hole + relay.word(DROPPED) == sent.len() as u64)
    });
    let hole = relay.word(HOLE) as usize - 1;
    assert!(hole > 100_000 && hole < 1_500_000, "{hole}");
    // The oldest are there, without a break up to the hole.
    let mut all = Vec::new();
    read_all(&mut reader, &mut all, hole);
    assert!(all == sent[..hole]);
    let ended = wait_for("it ends", || relay.process.try_wait().unwrap());
    assert!(ended.success());
}
