//! A keystroke allocates nothing on its way into the file's buffer.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use tvmux::cast::Header;
use tvmux::record::Recorder;

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

/// Types so many keys, one of them a character of three bytes that come one by
/// one; the buffer goes to the file ten times a second.
fn strike(recorder: &mut Recorder, keys: u64, spare: &mut Vec<u8>) {
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
    let mut spare = Vec::new();
    // Until both buffers have the size that they need.
    strike(&mut recorder, 1000, &mut spare);
    let (events, before) = (recorder.stats().events, ALLOCATIONS.get());
    assert!(before > 0, "allocations are counted");
    strike(&mut recorder, 10_000, &mut spare);
    assert_eq!(recorder.stats().events - events, 10_000);
    assert_eq!(ALLOCATIONS.get() - before, 0);
}
