//! Any bytes into a screen: the first bytes choose size, rules and where the rest
//! is cut; `0xff` in the rest is a resize.
//!
//! Nothing may panic or hang; the cursor stays on the screen; a state that is saved
//! at the cut and restored goes on to the same state as the screen itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tvmux::screen::{Rules, Screen, Which};

fuzz_target!(|input: &[u8]| {
    let [columns, rows, choice, cut, bytes @ ..] = input else {
        return;
    };
    let rules = Rules::ALL[usize::from(*choice) % Rules::ALL.len()];
    let history = usize::from(choice >> 2);
    let mut screen = Screen::with_history((*columns).into(), (*rows).into(), rules, history);
    let (before, after) = bytes.split_at(usize::from(*cut).min(bytes.len()));
    play(&mut screen, before);
    let mut restored = Screen::restore(&screen.save()).expect("a state that was just saved");
    play(&mut screen, after);
    play(&mut restored, after);
    assert!(screen.save() == restored.save());
    // Any bytes as a state: refused, or a screen.
    if let Ok(mut other) = Screen::restore(input) {
        play(&mut other, bytes);
    }
});

fn play(screen: &mut Screen, bytes: &[u8]) {
    for part in bytes.split_inclusive(|byte| *byte == 0xff) {
        screen.feed(part);
        if let [.., columns, rows, 0xff] = part {
            screen.resize((*columns).into(), (*rows).into());
        }
    }
    let (columns, rows) = screen.size();
    let cursor = screen.cursor();
    assert!(cursor.column < columns.into() && cursor.row < rows.into());
    for y in 0..usize::from(rows) {
        screen.runs(Which::Shown, y);
    }
}
