//! Sees in a pane's output that it leaves the alternate screen.
//!
//! While the alternate screen is shown tmux tells the normal one below as it
//! was saved; what a resize has made of it shows only when the program leaves.
//! So a stream that began on the alternate screen gets a new snapshot then.

/// What ends the alternate screen: DECRST of modes 1049, 1047 and 47, and RIS.
const ENDS: [&[u8]; 4] = [b"1049l", b"1047l", b"?47l", b"\x1bc"];

/// How much of the end of one chunk can be the start of such a sequence.
const OVERLAP: usize = 4;

/// Watches a stream for the end of the alternate screen.
#[derive(Clone, Copy, Debug, Default)]
pub struct AltScreenExit {
    tail: [u8; OVERLAP],
}

impl AltScreenExit {
    /// Takes in more output; says whether it leaves the alternate screen.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        let is_in = |bytes: &[u8]| {
            ENDS.iter()
                .any(|end| memchr::memmem::find(bytes, end).is_some())
        };
        let mut edge = [0; 2 * OVERLAP];
        let head = bytes.len().min(OVERLAP);
        edge[..OVERLAP].copy_from_slice(&self.tail);
        edge[OVERLAP..OVERLAP + head].copy_from_slice(&bytes[..head]);
        let found = is_in(bytes) || is_in(&edge[..OVERLAP + head]);
        // The last bytes of all that has come.
        self.tail.copy_from_slice(if bytes.len() >= OVERLAP {
            &bytes[bytes.len() - OVERLAP..]
        } else {
            &edge[head..OVERLAP + head]
        });
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_seen_however_it_is_cut() {
        for text in ["ab\x1b[?1049lcd", "\x1b[?25;1047l", "x\x1b[?47l", "a\x1bc"] {
            for size in 1..=text.len() {
                let mut exit = AltScreenExit::default();
                let seen = text
                    .as_bytes()
                    .chunks(size)
                    .filter(|c| exit.feed(c))
                    .count();
                assert_eq!(seen, 1, "{text:?} in chunks of {size}");
            }
        }
        for text in ["\x1b[?1049h 49l", "47l 1b c", "plain"] {
            for size in 1..=text.len() {
                let mut exit = AltScreenExit::default();
                assert!(
                    !text.as_bytes().chunks(size).any(|c| exit.feed(c)),
                    "{text:?}"
                );
            }
        }
    }
}
