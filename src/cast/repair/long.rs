//! Repairs a line that is longer than a block, part by part.

use std::io;

use super::event::{EventRepairer, code_of};
use super::found::{Found, LONGEST_HEAD, find, loose_end};
use super::output::Fate;
use super::text::repair_text;
use crate::cast::event::Code;
use crate::cast::json::is_blank;
use crate::cast::utf8::{Piece, Utf8Carry};

/// How many bytes stay back at the end of a part: the end of an event and the
/// head of the next may be cut there.
const BACK: usize = LONGEST_HEAD + 32;

/// Where in the line the last part ended.
#[derive(Debug, Default)]
pub(super) struct Long {
    state: State,
    /// Bytes of the line that were not dealt with.
    window: Vec<u8>,
    started: bool,
    /// Of a comment, the character that the last part cuts.
    utf8: Utf8Carry,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Between,
    /// Inside the text of an event; whether it may still be as it was, and its
    /// bytes so far.
    Text(bool, usize),
    Comment,
}

impl Long {
    /// Deals with another part; `over` is whether the line ends with it.
    pub(super) fn part(
        &mut self,
        events: &mut EventRepairer<'_>,
        part: &[u8],
        over: bool,
    ) -> io::Result<()> {
        self.window.extend_from_slice(part);
        if !self.started {
            self.started = true;
            if events.version() == 3 && self.window.starts_with(b"#") {
                events.out.open_event(None)?;
                self.state = State::Comment;
            }
        }
        loop {
            let before = (self.state, self.window.len());
            match self.state {
                State::Between => self.between(events, over)?,
                State::Text(same, length) => self.text(events, same, length, over)?,
                State::Comment => self.comment(events, over)?,
            }
            let stuck = before == (self.state, self.window.len());
            if stuck || self.window.is_empty() && self.state == State::Between {
                return Ok(());
            }
        }
    }

    fn between(&mut self, events: &mut EventRepairer<'_>, over: bool) -> io::Result<()> {
        let window = std::mem::take(&mut self.window);
        let found = find(&window);
        let last = found.len().saturating_sub(1);
        for (index, part) in found.iter().enumerate() {
            let open = index == last && !over;
            match part {
                Found::Loose {
                    head,
                    at,
                    ended: false,
                    ..
                } if open || index == last => {
                    let raw = &window[*at..*at + head.len];
                    let code = code_of(&window[*at + head.code.start..*at + head.code.end]);
                    let code = code.unwrap_or(Code::Output);
                    if matches!(code, Code::Resize | Code::Exit) {
                        // No size is that long.
                        events.lose(&window[*at..], &raw[head.time.clone()])?;
                        return Ok(());
                    }
                    events.out.open_event(None)?;
                    let opening = events.opening(&raw[head.time.clone()], code, f64::INFINITY);
                    let same = without_spaces(&opening).eq(without_spaces(raw));
                    if same {
                        events.out.keep(raw)?;
                    } else {
                        events.out.cut(raw.len())?;
                        events.out.put(&opening)?;
                    }
                    self.state = State::Text(same, raw.len());
                    self.window.extend_from_slice(&window[*at + head.len..]);
                    return Ok(());
                }
                Found::Junk(junk) if open => {
                    let keep = junk.len().min(BACK);
                    events.cut_junk(&window[junk.start..junk.end - keep])?;
                    self.window.extend_from_slice(&window[junk.end - keep..]);
                }
                part => events.part(&window, part, f64::INFINITY, false)?,
            }
        }
        Ok(())
    }

    fn text(
        &mut self,
        events: &mut EventRepairer<'_>,
        same: bool,
        length: usize,
        over: bool,
    ) -> io::Result<()> {
        let (end, after) = loose_end(&self.window);
        let certain = over || self.window.len() - end > BACK || after.is_some();
        let ended = certain && (end < self.window.len() || over);
        let stop = if ended {
            end
        } else {
            end.min(self.window.len().saturating_sub(BACK))
        };
        let raw = &self.window[..stop];
        let mut repaired = Vec::with_capacity(raw.len());
        // Whatever a part's end cuts is complete with the next part.
        let result = repair_text(raw, !ended || after.is_none(), &mut repaired);
        let used = result.used;
        if result.changed {
            events.out.cut(used)?;
            events.out.put(&repaired)?;
        } else {
            events.out.keep(&raw[..used])?;
        }
        let same = same && !result.changed;
        let length = length + used;
        if !ended {
            self.window.drain(..used);
            self.state = State::Text(same, length);
            return Ok(());
        }
        events.out.cut(stop - used)?;
        let mut whole = same;
        match after {
            Some(after) if result.high_at_end.is_none() => {
                events.out.keep(&self.window[end..after])?;
                self.window.drain(..after);
            }
            Some(after) => {
                events.out.cut(after - end)?;
                self.window.drain(..after);
                whole = false;
            }
            None => {
                events.out.put(b"\"]")?;
                self.window.drain(..end);
                whole = false;
            }
        }
        let fate = if whole { Fate::Kept } else { Fate::Saved };
        events.out.count(fate, length);
        events.out.event_done(result.high_at_end);
        self.state = State::Between;
        Ok(())
    }

    fn comment(&mut self, events: &mut EventRepairer<'_>, over: bool) -> io::Result<()> {
        let window = std::mem::take(&mut self.window);
        let mut written = Ok(());
        self.utf8.pieces(&window, |piece| {
            if written.is_ok() {
                written = match piece {
                    Piece::Text(text) => events.out.keep(text.as_bytes()),
                    Piece::Invalid(length) => replace(events, length),
                };
            }
        });
        written?;
        if over {
            replace(events, std::mem::take(&mut self.utf8).pending())?;
            events.out.event_done(None);
        }
        Ok(())
    }
}

/// Puts U+FFFD in the place of `length` bytes, if there are any.
fn replace(events: &mut EventRepairer<'_>, length: usize) -> io::Result<()> {
    if length > 0 {
        events.out.cut(length)?;
        events.out.put("\u{FFFD}".as_bytes())?;
    }
    Ok(())
}

/// A head's bytes but for the white space that may stand between its parts.
fn without_spaces(head: &[u8]) -> impl Iterator<Item = &u8> {
    head.iter().filter(|b| !is_blank(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cast::repair::found::head;

    #[test]
    fn a_head_fits_into_what_stays_back() {
        let longest = format!("[{}, \"o\", \"", "1".repeat(64));
        assert_eq!(
            head(longest.as_bytes()).map(|head| head.len),
            Some(longest.len())
        );
        assert!(longest.len() < BACK);
    }
}
