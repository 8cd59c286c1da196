//! A keystroke allocates nothing on its way into the file's buffer.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::Write;

use tvmux::api::CommandRecording;
use tvmux::cast::Header;
use tvmux::config::Config;
use tvmux::daemon::Daemon;
use tvmux::folders::Folders;
use tvmux::record::{Lines, Recorder};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting for each thread.
struct Counting;

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Types some keys, one of them a character of three bytes that come one by
/// one; the buffer goes to the file ten times a second.
fn strike(recorder: &mut Recorder, keys: u64, spare: &mut Lines) {
    for key in 0..keys {
        let time = key * 1000;
        let character = if key % 50 == 0 { "€" } else { "x" };
        for byte in character.as_bytes().chunks(1) {
            recorder.output(time, byte);
        }
        if key % 100 == 99 {
            let lines = recorder.take(std::mem::take(spare));
            recorder.written(lines.len());
            *spare = lines;
        }
    }
}

#[test]
fn a_keystroke_allocates_nothing() {
    let header = Header {
        width: 80,
        height: 24,
        ..Header::default()
    };
    let mut recorder = Recorder::new(&header, 1 << 20);
    let mut spare = Lines::default();
    // Until both buffers have the size that they need.
    strike(&mut recorder, 1000, &mut spare);
    let (events, before) = (recorder.stats().events, ALLOCATIONS.get());
    assert!(before > 0, "allocations are counted");
    strike(&mut recorder, 10_000, &mut spare);
    assert_eq!(recorder.stats().events - events, 10_000);
    assert_eq!(ALLOCATIONS.get() - before, 0);
}

/// Keys that are typed while allocations are counted.
const KEYS: u64 = 2000;

/// From the FIFO, which a keystroke comes out of, through the daemon's loop to
/// the lines that wait for their write.
#[test]
fn a_keystroke_allocates_nothing_in_the_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let folders = Folders::at(folder.path().join("run"), folder.path().join("state"));
    folders.prepare().unwrap();
    let mut config = Config::default();
    // What a write and a sync take is shared by all keys between two of them.
    config.recording.flush_interval_ms = 3_600_000;
    config.recording.sync_interval_ms = 3_600_000;
    let request = CommandRecording {
        pid: std::process::id(),
        name: "keys".to_owned(),
        columns: 80,
        rows: 24,
        directory: Some(folder.path().to_owned()),
        ..CommandRecording::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let recording = runtime.block_on(async {
        let daemon = Daemon::new(config, folders);
        let started = daemon.record_command(&request).await.unwrap();
        let mut fifo = OpenOptions::new()
            .write(true)
            .open(&started.output)
            .unwrap();
        // Until all buffers have the size that they need.
        fifo.write_all(&[b'x'; 32 * 1024]).unwrap();
        type_keys(&mut fifo, 200).await;
        let before = daemon.recordings()[0].events;
        let allocations = ALLOCATIONS.get();
        assert!(allocations > 0, "allocations are counted");
        type_keys(&mut fifo, KEYS).await;
        let allocations = ALLOCATIONS.get() - allocations;
        let events = daemon.recordings()[0].events - before;
        assert!(events > KEYS / 4, "keys come one by one: {events} events");
        // The buffer of lines may grow once or twice.
        assert!(allocations < 20, "{allocations} for {events} events");
        let stopped = daemon.stop(&started.recording.id).await.unwrap();
        daemon.shut_down().await;
        stopped
    });
    let cast = std::fs::read_to_string(recording.cast_path).unwrap();
    let keys = cast.matches('€').count() as u64;
    assert_eq!(keys, (KEYS + 200) / 50);
}

/// Types this many keys, one of 50 a character of three bytes that come one by one.
async fn type_keys(fifo: &mut File, keys: u64) {
    for key in 0..keys {
        let character = if key % 50 == 0 { "€" } else { "x" };
        for byte in character.as_bytes().chunks(1) {
            fifo.write_all(byte).unwrap();
            // Often enough that the runtime looks at the FIFO meanwhile.
            for _ in 0..128 {
                tokio::task::yield_now().await;
            }
        }
    }
}
