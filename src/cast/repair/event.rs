//! Writes events anew that cannot stay as they are.

use std::io;
use std::ops::Range;

use super::clock::{NewTime, read_time};
use super::found::{Element, Head};
use super::lines::LineRepairer;
use super::output::Fate;
use super::text::{closing_quote, low_at_start, repair_text};
use crate::cast::event::Code;
use crate::cast::json::{Object, Scalar, escape_into};
use crate::cast::validate::{check_header, parse_size};

/// What an event is made of, as far as it is known. All texts are raw.
struct Parts<'a> {
    /// All of it.
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

impl LineRepairer<'_> {
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
        let mut code = inside(1).and_then(LineRepairer::code);
        let mut data = inside(2);
        match (elements.len(), elements.get(2).and_then(|e| e.scalar)) {
            (0 | 1, _) => return self.out.cut_event(raw),
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
            return self.out.cut_event(raw);
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
            code: LineRepairer::code(&event[head.code.clone()]).unwrap_or(Code::Output),
            data: &line[text],
            torn: !ended && closing.is_none(),
            fate: Fate::Saved,
        };
        self.write(&parts, ceiling)
    }

    fn write(&mut self, parts: &Parts<'_>, ceiling: f64) -> io::Result<()> {
        if !self.data_is_good(parts) {
            return self.out.cut_event(parts.raw);
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
            NewTime::Same => crate::cast::seconds::push_time(value.unwrap_or(0.0), &mut text),
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
        let (Some(data), Some(code)) = (data, code.and_then(LineRepairer::code)) else {
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
            crate::cast::seconds::push_time(at, &mut event);
            event.extend_from_slice(format!(", \"r\", \"{cols}x{rows}\"]").as_bytes());
            self.out.put(&event)?;
            self.out.event_done(None);
        }
        Ok(())
    }
}

/// The inside of a string's raw text.
fn unquoted(raw: &[u8]) -> &[u8] {
    raw.strip_prefix(b"\"")
        .and_then(|raw| raw.strip_suffix(b"\""))
        .unwrap_or(raw)
}
