//! Any bytes: half of the cases are the input itself, the other half a valid
//! cast that the input damages by flipping, inserting, deleting, swapping,
//! duplicating, zeroing and concatenating ranges.
//!
//! Nothing may panic or hang; what repair writes is valid for an independent
//! reader and for `validate`, repairing it again changes nothing, and lines that
//! were plain and in order stay byte for byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tvmux::cast::{RepairOptions, ValidateOptions, repair, validate};

#[path = "../../cast/readers.rs"]
mod readers;
#[path = "../../cast/samples.rs"]
mod samples;

fuzz_target!(|input: &[u8]| {
    let Some((choice, script)) = input.split_first() else {
        return;
    };
    if choice & 1 == 0 {
        check(script);
        return;
    }
    let mut samples = samples::short();
    if choice & 0xf0 == 0xf0 {
        samples = samples::all().into_iter().map(|(_, cast)| cast).collect();
    }
    let mut cast = samples.swap_remove(usize::from(choice >> 1) % samples.len());
    for step in script.chunks(6).take(8) {
        damage(&mut cast, step);
    }
    check(&cast);
});

/// One damage: what, where, how much, with which byte.
fn damage(cast: &mut Vec<u8>, step: &[u8]) {
    let byte = |at: usize| usize::from(step.get(at).copied().unwrap_or(0));
    if cast.is_empty() {
        return;
    }
    let place = |at: usize| (byte(at) << 8 | byte(at + 1)) % cast.len();
    let start = place(1);
    let end = (start + byte(3)).min(cast.len());
    match byte(0) % 8 {
        0 => cast[start] ^= byte(3) as u8,
        1 => {
            cast.splice(start..start, step.iter().skip(3).copied());
        }
        2 => {
            cast.drain(start..end);
        }
        3 => {
            let other = place(4);
            cast.swap(start, other);
        }
        4 => {
            let copy = cast[start..end].to_vec();
            let other = place(4);
            cast.splice(other..other, copy);
        }
        5 => cast[start..end].fill(0),
        6 if cast.len() < 16 * 1024 => {
            let copy = cast.clone();
            cast.extend_from_slice(&copy);
        }
        _ => cast.truncate(start),
    }
}

fn check(cast: &[u8]) {
    let options = RepairOptions::default();
    let mut out = Vec::new();
    let report = repair(cast, &mut out, &options).unwrap();
    assert_eq!(report.bytes_read, cast.len() as u64);
    assert_eq!(report.bytes_written, out.len() as u64);
    assert!(report.differs || out == cast);
    let before = validate(cast, &ValidateOptions::default(), &mut |_| {}).unwrap();
    assert_eq!(before.bytes, cast.len() as u64);
    assert_eq!(before.is_valid(), !report.differs && !cast.is_empty());
    if !report.is_recovered() {
        return;
    }
    if let Err(why) = readers::read(&out) {
        panic!("{why}: {}", out.escape_ascii());
    }
    let after = validate(&out[..], &ValidateOptions::default(), &mut |_| {}).unwrap();
    assert!(after.is_valid(), "{:?}: {}", after.findings, out.escape_ascii());
    let mut again = Vec::new();
    let second = repair(&out[..], &mut again, &options).unwrap();
    assert!(!second.differs && again == out, "{}", out.escape_ascii());
}
