//! Questions, which are only put to a person at a terminal.

use std::io::{self, BufRead, IsTerminal, Write};

/// Whether somebody can answer: standard input and error are a terminal.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks until one of the letters is answered; the first stands for Enter.
/// `None` when the input ends.
pub fn choose(question: &str, letters: &[char]) -> Option<char> {
    let stdin = io::stdin();
    let shown: Vec<String> = letters
        .iter()
        .enumerate()
        .map(|(i, letter)| {
            if i == 0 {
                letter.to_uppercase().to_string()
            } else {
                letter.to_string()
            }
        })
        .collect();
    loop {
        eprint!("{question} [{}] ", shown.join("/"));
        // A terminal that takes no question takes no answer either.
        io::stderr().flush().ok()?;
        let mut line = String::new();
        if stdin.lock().read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().to_lowercase().chars().next() {
            None => return letters.first().copied(),
            Some(letter) if letters.contains(&letter) => return Some(letter),
            Some(_) => {}
        }
    }
}
