//! Repairs single events: keeps what is good, rewrites what cannot stay.

use std::io;
use std::ops::Range;

use super::clock::{Clock, NewTime, read_time, time_of_rest, time_range};
use super::found::{Element, Found, Head, find, head};
use super::output::{Fate, Output};
use super::report::Amount;
use super::text::{closing_quote, low_at_start, repair_text, string_end};
use crate::cast::event::{Code, parse_size};
use crate::cast::json::{Object, Scalar, escape_into};
use crate::cast::seconds::push_time;
use crate::cast::validate::{Size, check_header, is_sound};

/// What an event is made of, as far as it is known. All texts are raw.
struct Parts<'a> {
    raw: &'a [u8],
    /// The number; empty when there is none.
    time: &'a [u8],
    code: Code,
    /// Inside of the quotes.
    data: &'a [u8],
    /// The data's end is missing.
    torn: bool,
    /// Whether it is Changed or Saved.
    fate: Fate,
}

/// Repairs single events, and writes them in their order.
pub(super) struct EventRepairer<'a> {
    pub(super) out: Output<'a>,
    pub(super) clock: Clock,
    version: u8,
    /// The size that the last header or resize gave: columns, rows.
    size: Option<Size>,
}

impl<'a> EventRepairer<'a> {
    /// Writes events of that version, after a header with that size.
    pub(super) fn new(out: Output<'a>, version: u8, size: Option<Size>) -> EventRepairer<'a> {
        EventRepairer {
            out,
            clock: Clock::new(version),
            version,
            size,
        }
    }

    /// The version that is written.
    pub(super) fn version(&self) -> u8 {
        self.version
    }

    /// Keeps an event that is good but perhaps for its time, which stands at
    /// `number` in it.
    pub(super) fn keep_event(
        &mut self,
        event: &[u8],
        number: &Range<usize>,
        time: Option<f64>,
        ceiling: f64,
    ) -> io::Result<()> {
        match self.clock.settle(time, ceiling) {
            NewTime::Same => {
                self.out.count(Fate::Kept, event.len());
                self.out.keep(event)
            }
            NewTime::Text(new) => {
                self.out.count(Fate::Changed, event.len());
                self.out.keep(&event[..number.start])?;
                self.out.cut(number.len())?;
                self.out.put(&new)?;
                self.out.keep(&event[number.end..])
            }
        }
    }

    /// Saves what is in damaged text: a line, or a torn event with more lines
    /// (`joined`). Gives where an event starts that may go on with the next line.
    pub(super) fn salvage(
        &mut self,
        bytes: &[u8],
        ceiling: f64,
        at_end: bool,
        joined: bool,
    ) -> io::Result<Option<usize>> {
        let newline = bytes.ends_with(b"\n");
        let line = &bytes[..bytes.len() - usize::from(newline)];
        let found = find(line);
        let events = found
            .iter()
            .filter(|found| !matches!(found, Found::Junk(_)))
            .count();
        let alone = events == 1 && !joined;
        for (index, part) in found.iter().enumerate() {
            let rest = &found[index + 1..];
            let tail_blank = rest.iter().all(|found| {
                matches!(found, Found::Junk(junk) if line[junk.clone()].trim_ascii().iter().all(|b| *b == 0))
            });
            if let Found::Loose {
                at, ended: false, ..
            } = part
                && tail_blank
            {
                if !newline && at_end {
                    // The torn end of the recording.
                    self.out.report.lost += Amount::one(bytes.len() - at);
                    return self.out.cut(bytes.len() - at).map(|()| None);
                }
                if !joined && newline {
                    return Ok(Some(*at));
                }
            }
            self.part(line, part, ceiling, alone)?;
        }
        self.out.end_line(newline)?;
        Ok(None)
    }

    /// One part of a damaged line.
    pub(super) fn part(
        &mut self,
        line: &[u8],
        part: &Found,
        ceiling: f64,
        alone: bool,
    ) -> io::Result<()> {
        match part {
            Found::Junk(junk) => self.cut_junk(&line[junk.clone()]),
            Found::Array(range, elements) => {
                let event = &line[range.clone()];
                // A joined event may have a line break between its elements.
                if event.contains(&b'\n') || !is_sound(event, self.version) {
                    return self.rewrite(line, range, elements, ceiling, alone);
                }
                self.note_resize(event);
                self.out.open_event(None)?;
                let number = time_range(event);
                let (time, _) = read_time(&event[number.clone()]);
                if alone {
                    self.keep_event(event, &number, time, ceiling)?;
                } else {
                    self.saved_event(event, &number, time, ceiling)?;
                }
                self.out.event_done(None);
                Ok(())
            }
            Found::Loose {
                head,
                at,
                data,
                ended,
            } => self.loose(line, head, *at, data, *ended, ceiling),
            Found::Object(range) => self.object(&line[range.clone()], ceiling),
        }
    }

    /// Remembers the size that a resize gives.
    pub(super) fn note_resize(&mut self, event: &[u8]) {
        let event = event.trim_ascii_start();
        let Some(head) = head(event) else { return };
        if &event[head.code.clone()] == b"r" {
            let data = &event[head.len..];
            let text = std::str::from_utf8(&data[..string_end(data)]).ok();
            let size = text.and_then(parse_size);
            self.size = size
                .map(|(cols, rows)| (cols.into(), rows.into()))
                .or(self.size);
        }
    }

    /// A good event that stood where no reader finds it.
    fn saved_event(
        &mut self,
        event: &[u8],
        number: &Range<usize>,
        time: Option<f64>,
        ceiling: f64,
    ) -> io::Result<()> {
        self.out.count(Fate::Saved, event.len());
        match self.clock.settle(time, ceiling) {
            NewTime::Same => self.out.keep(event),
            NewTime::Text(new) => {
                self.out.keep(&event[..number.start])?;
                self.out.cut(number.len())?;
                self.out.put(&new)?;
                self.out.keep(&event[number.end..])
            }
        }
    }

    /// Cuts an event that cannot be saved, whose time has this raw text. What
    /// it took of time stays.
    pub(super) fn lose(&mut self, raw: &[u8], time: &[u8]) -> io::Result<()> {
        self.clock.lose(read_time(time).0);
        self.out.cut_event(raw)
    }

    /// Cuts what is no event. It may be what is left of one whose time is
    /// still there.
    pub(super) fn cut_junk(&mut self, junk: &[u8]) -> io::Result<()> {
        self.clock.lose(time_of_rest(junk));
        self.out.cut_junk(junk)
    }

    /// An event that is a whole array but not one that every reader takes.
    pub(super) fn rewrite(
        &mut self,
        line: &[u8],
        range: &Range<usize>,
        elements: &[Element],
        ceiling: f64,
        alone: bool,
    ) -> io::Result<()> {
        let raw = &line[range.clone()];
        let text = |index: usize| elements.get(index).map(|e: &Element| &line[e.text.clone()]);
        let inside = |index: usize| {
            let element = elements.get(index)?;
            (element.scalar == Some(Scalar::Text)).then(|| unquoted(&line[element.text.clone()]))
        };
        let mut code = inside(1).and_then(code_of);
        let mut data = inside(2);
        match (elements.len(), elements.get(2).and_then(|e| e.scalar)) {
            (0 | 1, _) => return self.lose(raw, text(0).unwrap_or_default()),
            // Two elements: of a marker only the label is missing, and a long
            // text was never a code: v1 has its events like that.
            (2, _) => match inside(1) {
                Some(b"m") => data = Some(b""),
                Some(text) if text.len() > 1 => {
                    code = Some(Code::Output);
                    data = Some(text);
                }
                _ => {}
            },
            (_, Some(Scalar::Number | Scalar::Word)) => {
                data = text(2).filter(|text| *text != b"null");
            }
            _ => {}
        }
        let Some(data) = data else {
            return self.lose(raw, text(0).unwrap_or_default());
        };
        let parts = Parts {
            raw,
            time: text(0).unwrap_or_default(),
            code: code.unwrap_or(Code::Output),
            data,
            torn: false,
            fate: if alone { Fate::Changed } else { Fate::Saved },
        };
        self.write(&parts, ceiling)
    }

    /// An event of which the head is good.
    pub(super) fn loose(
        &mut self,
        line: &[u8],
        head: &Head,
        at: usize,
        data: &Range<usize>,
        ended: bool,
        ceiling: f64,
    ) -> io::Result<()> {
        let end = if ended {
            let after = &line[data.end..];
            data.end + after.iter().position(|b| *b == b']').map_or(0, |at| at + 1)
        } else {
            data.end
        };
        let event = &line[at..];
        let raw = &line[at..end];
        let closing = (!ended)
            .then(|| closing_quote(&line[data.clone()]))
            .flatten();
        let text = data.start..closing.map_or(data.end, |at| data.start + at);
        let parts = Parts {
            raw,
            time: &event[head.time.clone()],
            code: code_of(&event[head.code.clone()]).unwrap_or(Code::Output),
            data: &line[text],
            torn: !ended && closing.is_none(),
            fate: Fate::Saved,
        };
        self.write(&parts, ceiling)
    }

    fn write(&mut self, parts: &Parts<'_>, ceiling: f64) -> io::Result<()> {
        if !self.data_is_good(parts) {
            return self.lose(parts.raw, parts.time);
        }
        let low = low_at_start(parts.data);
        let joined = self.out.open_event(low)?;
        let data = if joined { &parts.data[6..] } else { parts.data };
        let mut text = self.opening(parts.time, parts.code, ceiling);
        let repaired = repair_text(data, parts.torn, &mut text);
        if repaired.high_at_end.is_none() {
            text.extend_from_slice(b"\"]");
        }
        self.out.count(parts.fate, parts.raw.len());
        self.out.cut(parts.raw.len())?;
        self.out.put(&text)?;
        self.out.event_done(repaired.high_at_end);
        Ok(())
    }

    /// `[TIME, "CODE", "` for an event whose time has this raw text.
    pub(super) fn opening(&mut self, time: &[u8], code: Code, ceiling: f64) -> Vec<u8> {
        let (value, readable) = read_time(time);
        let mut text = vec![b'['];
        match self.clock.settle(value, ceiling) {
            NewTime::Same if readable => text.extend_from_slice(time),
            NewTime::Same => push_time(value.unwrap_or(0.0), &mut text),
            NewTime::Text(new) => text.extend_from_slice(&new),
        }
        text.extend_from_slice(b", \"");
        escape_into(code.letter().encode_utf8(&mut [0; 4]), &mut text);
        text.extend_from_slice(b"\", \"");
        text
    }

    /// Sizes and exit statuses are good as they are or not at all.
    fn data_is_good(&self, parts: &Parts<'_>) -> bool {
        let text = || {
            let quoted = [b"\"", parts.data, b"\""].concat();
            serde_json::from_slice::<String>(&quoted).ok()
        };
        match parts.code {
            Code::Resize => !parts.torn && text().as_deref().and_then(parse_size).is_some(),
            Code::Exit if self.version() == 3 => {
                !parts.torn && text().is_some_and(|text| text.parse::<i32>().is_ok())
            }
            _ => true,
        }
    }

    /// A whole object: another header, or an event written as one.
    pub(super) fn object(&mut self, raw: &[u8], ceiling: f64) -> io::Result<()> {
        let object = Object::read(raw);
        if object.get(raw, "version").is_some() {
            return self.second_header(raw, &object);
        }
        let text = |key| object.get(raw, key);
        let code = text("code").or_else(|| text("type"));
        let code = code.filter(|code| code.starts_with(b"\"")).map(unquoted);
        let data = text("data").filter(|data| data.starts_with(b"\""));
        let (Some(data), Some(code)) = (data, code.and_then(code_of)) else {
            self.clock
                .lose(text("time").and_then(|time| read_time(time).0));
            return self.out.cut_junk(raw);
        };
        let parts = Parts {
            raw,
            time: text("time").unwrap_or_default(),
            code,
            data: unquoted(data),
            torn: false,
            fate: Fate::Saved,
        };
        self.write(&parts, ceiling)
    }

    /// A second recording follows: its events go on after those of the first.
    fn second_header(&mut self, raw: &[u8], object: &Object) -> io::Result<()> {
        let header = check_header(raw, object);
        self.out.cut(raw.len())?;
        self.out.report.headers_merged += 1;
        self.clock
            .restart(header.version.unwrap_or(self.version()).max(2));
        let size = header.size.filter(|(cols, rows)| *cols > 0 && *rows > 0);
        if let Some((cols, rows)) = size
            && self.size != size
        {
            self.size = size;
            self.out.open_event(None)?;
            let mut event = vec![b'['];
            let at = if self.version() == 2 {
                self.clock.last()
            } else {
                0.0
            };
            push_time(at, &mut event);
            event.extend_from_slice(format!(", \"r\", \"{cols}x{rows}\"]").as_bytes());
            self.out.put(&event)?;
            self.out.event_done(None);
        }
        Ok(())
    }
}

/// The code of an event, from its raw text, if it is one that can be
/// written without an escape.
pub(super) fn code_of(raw: &[u8]) -> Option<Code> {
    let quoted = [b"\"", raw, b"\""].concat();
    let text: String = serde_json::from_slice(&quoted).ok()?;
    let letter = text.chars().next()?;
    let plain = !letter.is_control() && letter != '"' && letter != '\\';
    plain.then(|| Code::from(letter))
}

/// The inside of a string's raw text.
fn unquoted(raw: &[u8]) -> &[u8] {
    raw.strip_prefix(b"\"")
        .and_then(|raw| raw.strip_suffix(b"\""))
        .unwrap_or(raw)
}
