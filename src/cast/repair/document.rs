//! Repairs v1 documents: one JSON object with the events in a list.
//!
//! The events are read through a window that moves over the document, so its
//! size does not matter. The members around the list are kept if they are good.
//!
//! A document on a single line is good for all readers but asciinema-player,
//! which takes it for another version: a line break before the last brace
//! repairs that.

use std::io::{self, Read};
use std::ops::Range;

use super::clock::{read_time, time_of_rest};
use super::document_parts::{
    good_members, head, list_start, loose_end, next_head, push_event, push_members, push_opening,
};
use super::found::{Element, Elements};
use super::head::guess_size;
use super::output::{Fate, Output};
use super::report::HeaderFate;
use super::text::{repair_strings, repair_text, replacement};
use crate::cast::json::{Lexer, Member, Object, Scalar, is_blank};
use crate::cast::lines::{BlockPlace, Blocks};
use crate::cast::validate::{FindingKind, check_header};

/// The largest event that is looked at as a whole, in bytes; the text of a
/// larger one passes part by part.
const LARGEST: usize = 1024 * 1024;

/// How many bytes stay back at the end of a part: the end of an event and the
/// start of the next may be cut there.
const BACK: usize = 256;

/// Repairs the document that starts with `block`.
pub(super) fn repair<R: Read>(
    blocks: Blocks<R>,
    first: BlockPlace,
    block: Vec<u8>,
    out: &mut Output<'_>,
) -> io::Result<()> {
    out.report.version = 1;
    let mut document = Document {
        blocks,
        window: block,
        at: 0,
        read_all: first.last,
        out,
        written: 0,
        newline: false,
        names: Vec::new(),
        lost: 0.0,
        budget: LARGEST * 4,
    };
    if !document.start()? {
        return document.cut_all();
    }
    document.list()?;
    document.end()
}

struct Document<'a, 'b, R> {
    blocks: Blocks<R>,
    window: Vec<u8>,
    /// What comes before was dealt with.
    at: usize,
    read_all: bool,
    out: &'a mut Output<'b>,
    written: u64,
    /// A line break was written.
    newline: bool,
    /// The members that were written.
    names: Vec<String>,
    /// Delays of events that were lost since the last one that was written.
    lost: f64,
    /// How much work may still go into text that looks like events but is none.
    budget: usize,
}

impl<R: Read> Document<'_, '_, R> {
    fn rest(&self) -> &[u8] {
        &self.window[self.at..]
    }

    /// Reads more; gives whether there was any.
    fn more(&mut self) -> io::Result<bool> {
        if self.read_all {
            return Ok(false);
        }
        self.window.drain(..self.at);
        self.at = 0;
        let mut block = Vec::new();
        match self.blocks.next(&mut block)? {
            Some(place) => self.read_all = place.last,
            None => self.read_all = true,
        }
        self.window.append(&mut block);
        Ok(true)
    }

    fn keep(&mut self, count: usize) -> io::Result<()> {
        let bytes = &self.window[self.at..self.at + count];
        self.newline |= bytes.contains(&b'\n');
        self.out.keep(bytes)?;
        self.at += count;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.newline |= bytes.contains(&b'\n');
        self.out.put(bytes)
    }

    fn cut(&mut self, count: usize) -> io::Result<()> {
        self.out.cut(count)?;
        self.at += count;
        Ok(())
    }

    fn junk(&mut self, count: usize) -> io::Result<()> {
        self.out.cut_junk(&self.window[self.at..self.at + count])?;
        self.at += count;
        Ok(())
    }

    /// There is nothing to save.
    fn cut_all(&mut self) -> io::Result<()> {
        loop {
            self.junk(self.rest().len())?;
            if !self.more()? {
                return Ok(());
            }
        }
    }

    /// What comes before the first event. Gives whether there is a list.
    fn start(&mut self) -> io::Result<bool> {
        let Some(list) = list_start(&self.window) else {
            return Ok(false);
        };
        let brace = memchr::memchr(b'{', &self.window[..list]).unwrap_or(0);
        let text = [&self.window[brace..list], b"]}"].concat();
        let repaired = repair_strings(&String::from_utf8_lossy(&text).into_owned().into_bytes());
        let object = Object::read(&repaired);
        let check = check_header(&repaired, &object);
        let good = object.faults.is_empty()
            && repaired == text
            && check.version == Some(1)
            && object.get(&repaired, "stdout").is_some();
        let findings = check.findings.iter();
        let bad: Vec<usize> = findings
            .filter(|(kind, _)| kind.needs_repair() && *kind != FindingKind::SizeMissing)
            .map(|(_, at)| *at)
            .collect();
        if self.window[..brace].iter().all(is_blank) {
            self.keep(brace)?;
        } else {
            self.junk(brace)?;
        }
        if good && bad.is_empty() {
            self.out.report.header = HeaderFate::Kept;
            self.note_names(&object.members);
            return self.keep(list - brace).map(|()| true);
        }
        self.out.report.header = if check.version.is_some() {
            HeaderFate::Changed
        } else {
            HeaderFate::Rebuilt
        };
        self.out.cut(list - brace)?;
        self.at += list - brace;
        let mut header = b"{\"version\": 1".to_vec();
        let members = good_members(&repaired, &object, &bad);
        push_members(&repaired, &members, &["version", "stdout"], &mut header);
        // Fields that could not be judged without a version are judged now.
        let judged = [&header, &b"}"[..]].concat();
        let object = Object::read(&judged);
        let findings = check_header(&judged, &object).findings;
        let bad: Vec<usize> = findings
            .iter()
            .filter(|(kind, _)| kind.needs_repair() && *kind != FindingKind::SizeMissing)
            .map(|(_, at)| *at)
            .collect();
        let members = good_members(&judged, &object, &bad);
        self.note_names(&members);
        header = b"{\"version\": 1".to_vec();
        push_members(&judged, &members, &["version"], &mut header);
        header.extend_from_slice(b", \"stdout\": [\n");
        self.put(&header)?;
        Ok(true)
    }

    fn note_names(&mut self, members: &[Member]) {
        let names = members.iter().map(|member| member.key.clone());
        self.names.extend(names);
    }

    /// The events. Afterwards the window stands after the list's bracket, or at
    /// the end of the input.
    fn list(&mut self) -> io::Result<()> {
        loop {
            // What separates this event from the one before.
            let mut separator = self.separator();
            while self.at + separator == self.window.len() && separator < LARGEST && self.more()? {
                separator = self.separator();
            }
            let next = self.rest().get(separator).copied();
            match next {
                Some(b']') => {
                    self.separate(separator, 0)?;
                    self.fill_list()?;
                    return self.keep(1);
                }
                None => {
                    self.junk(separator)?;
                    if self.read_all {
                        return self.close_list();
                    }
                    continue;
                }
                Some(_) => {}
            }
            let start = self.at + separator;
            let mut elements = Elements::default();
            let mut length = None;
            if next == Some(b'[') && self.budget > 0 {
                length = Lexer::new().whole(&self.window[start..], 0, &mut elements);
                while length.is_none()
                    && elements.torn
                    && self.rest().len() < LARGEST
                    && self.more()?
                {
                    elements = Elements::default();
                    let start = self.at + separator;
                    length = Lexer::new().whole(&self.window[start..], 0, &mut elements);
                }
            }
            if length.is_none() {
                self.budget = self.budget.saturating_sub(elements.last);
            }
            match length {
                Some(length) => self.event(separator, length, &elements.list)?,
                None if elements.torn && !self.read_all => self.long_event(separator)?,
                None if self.damaged(separator)? => {}
                None => return Ok(()),
            }
        }
    }

    fn separator(&self) -> usize {
        let rest = self.rest().iter();
        rest.take_while(|b| is_blank(b) || matches!(**b, b',' | 0))
            .count()
    }

    /// Deals with what separates two events, which must have `commas` commas.
    fn separate(&mut self, length: usize, commas: usize) -> io::Result<()> {
        let text = &self.rest()[..length];
        let good = text.iter().filter(|b| **b == b',').count() == commas && !text.contains(&0);
        if good {
            return self.keep(length);
        }
        self.out.report.removed += length as u64;
        self.cut(length)?;
        self.put(if commas == 1 { b",\n" } else { b"" })
    }

    fn open_event(&mut self, separator: usize) -> io::Result<()> {
        self.separate(separator, usize::from(self.written > 0))?;
        self.written += 1;
        Ok(())
    }

    /// A whole array, `separator` bytes after where the window stands.
    fn event(&mut self, separator: usize, length: usize, elements: &[Element]) -> io::Result<()> {
        let start = self.at + separator;
        let raw = &self.window[start..start + length];
        let delay = elements.first().map_or(&b""[..], |e| &raw[e.text.clone()]);
        let (value, readable) = read_time(delay);
        let text = |index: usize| -> Option<Range<usize>> {
            let element = elements.get(index)?;
            let inside = element.text.start + 1..element.text.end.saturating_sub(1);
            (element.scalar == Some(Scalar::Text)).then_some(inside)
        };
        // An event of v2 has its data third.
        let data = match (elements.len(), text(1), text(2)) {
            (3, Some(code), Some(data)) if &raw[code.clone()] == b"o" => Some(data),
            (_, Some(data), _) => Some(data),
            _ => None,
        };
        let Some(data) = data else {
            return self.lose(separator, length, value);
        };
        let mut repaired = Vec::new();
        let result = repair_text(&raw[data], false, &mut repaired);
        if result.high_at_end.is_some() {
            replacement(&mut repaired);
        }
        let lost = std::mem::take(&mut self.lost);
        let good =
            elements.len() == 2 && value.is_some() && readable && !result.changed && lost == 0.0;
        let mut new = Vec::new();
        if !good {
            push_event(delay, value.filter(|_| readable), lost, &repaired, &mut new);
        }
        self.open_event(separator)?;
        if good {
            self.out.count(Fate::Kept, length);
            return self.keep(length);
        }
        self.out.count(Fate::Changed, length);
        self.cut(length)?;
        self.put(&new)
    }

    /// An event that is too long to be looked at as a whole.
    fn long_event(&mut self, separator: usize) -> io::Result<()> {
        let start = self.at + separator;
        let Some((delay, opening)) = head(&self.window[start..]) else {
            return self.junk(separator + 1);
        };
        let delay = self.window[start..start + opening][delay].to_vec();
        let (value, readable) = read_time(&delay);
        let lost = std::mem::take(&mut self.lost);
        let mut same = value.is_some() && readable && lost == 0.0;
        self.open_event(separator)?;
        if same {
            self.keep(opening)?;
        } else {
            let mut new = Vec::new();
            push_opening(&delay, value.filter(|_| readable), lost, &mut new);
            self.cut(opening)?;
            self.put(&new)?;
        }
        let mut length = opening;
        loop {
            let raw = self.rest();
            let (end, after) = loose_end(raw);
            let is_end = self.read_all || after.is_some() || raw.len() - end > BACK;
            let stop = if is_end {
                end
            } else {
                end.min(raw.len().saturating_sub(BACK))
            };
            let mut text = Vec::new();
            let result = repair_text(&raw[..stop], after.is_none(), &mut text);
            if result.high_at_end.is_some() {
                replacement(&mut text);
            }
            if result.changed {
                same = false;
                self.cut(result.used)?;
                self.put(&text)?;
            } else {
                self.keep(result.used)?;
            }
            length += result.used;
            if !is_end {
                self.more()?;
                continue;
            }
            self.cut(stop - result.used)?;
            match after {
                Some(after) => self.keep(after - stop)?,
                None => {
                    same = false;
                    self.put(b"\"]")?;
                }
            }
            let fate = if same { Fate::Kept } else { Fate::Saved };
            self.out.count(fate, length);
            return Ok(());
        }
    }

    /// Something else than a whole array. Gives whether the list goes on.
    fn damaged(&mut self, separator: usize) -> io::Result<bool> {
        let start = self.at + separator;
        let Some((delay, text)) = head(&self.window[start..]) else {
            let rest = &self.window[start..];
            let next = 1 + rest.get(1..).map_or(0, next_head);
            let next = next.min(rest.len());
            self.lost += time_of_rest(&rest[..next]).unwrap_or(0.0);
            self.junk(separator + next)?;
            return Ok(true);
        };
        let raw = &self.window[start..];
        let (end, after) = loose_end(&raw[text..]);
        let torn = after.is_none();
        let length = after.map_or(text + end, |after| text + after);
        if torn && start + length == self.window.len() && self.read_all {
            // The torn end of the recording.
            self.lose(separator, length, None)?;
            return Ok(true);
        }
        let (value, readable) = read_time(&raw[delay.clone()]);
        let mut repaired = Vec::new();
        let result = repair_text(&raw[text..text + end], torn, &mut repaired);
        if result.high_at_end.is_some() {
            replacement(&mut repaired);
        }
        let mut new = Vec::new();
        let lost = std::mem::take(&mut self.lost);
        push_event(
            &raw[delay],
            value.filter(|_| readable),
            lost,
            &repaired,
            &mut new,
        );
        self.open_event(separator)?;
        self.out.count(Fate::Saved, length);
        self.cut(length)?;
        self.put(&new)?;
        Ok(true)
    }

    /// An event with that delay cannot be saved; what it took of time stays.
    fn lose(&mut self, separator: usize, length: usize, delay: Option<f64>) -> io::Result<()> {
        self.lost += delay.unwrap_or(0.0);
        self.out.report.removed += separator as u64;
        self.cut(separator)?;
        self.out
            .cut_event(&self.window[self.at..self.at + length])?;
        self.at += length;
        Ok(())
    }

    fn close_list(&mut self) -> io::Result<()> {
        self.fill_list()?;
        self.put(b"\n]")
    }

    /// The player refuses a cast without events; this one shows nothing.
    fn fill_list(&mut self) -> io::Result<()> {
        let good = matches!(
            self.out.report.header,
            HeaderFate::Kept | HeaderFate::Changed
        );
        if self.written == 0 && good {
            self.put(b"[0.0, \"\"]")?;
        }
        Ok(())
    }

    /// What comes after the list.
    fn end(&mut self) -> io::Result<()> {
        while self.rest().len() < LARGEST && self.more()? {}
        let rest = self.rest();
        let blank = |text: &[u8]| text.iter().all(is_blank);
        let text = [b"{\"version\": 1, \"stdout\": []", rest].concat();
        let shift = text.len() - rest.len();
        let repaired = repair_strings(&String::from_utf8_lossy(&text).into_owned().into_bytes());
        let object = Object::read(&repaired);
        let check = check_header(&repaired, &object);
        let mut bad: Vec<usize> = check
            .findings
            .iter()
            .filter(|(kind, _)| {
                kind.needs_repair()
                    && !matches!(kind, FindingKind::SizeMissing | FindingKind::VersionUnknown)
            })
            .map(|(_, at)| *at)
            .collect();
        let again = object.members.iter().skip(2);
        bad.extend(
            again
                .filter(|m| self.names.contains(&m.key) || m.key == "stdout")
                .map(|m| m.at),
        );
        // Only where nothing was repaired do offsets count in the text itself.
        let brace = object
            .end
            .filter(|end| *end > shift && repaired == text)
            .map(|end| end - shift);
        let good = brace.is_some_and(|end| blank(&rest[end..]));
        let members: Vec<Member> = good_members(&repaired, &object, &bad);
        self.note_names(&members);
        if let (Some(brace), true, true) = (brace, good, bad.is_empty() && repaired == text) {
            self.keep(brace - 1)?;
            self.put_size()?;
            if !self.newline {
                self.put(b"\n")?;
            }
            self.keep(1)?;
        } else {
            let mut tail = Vec::new();
            push_members(&repaired, &members, &["version", "stdout"], &mut tail);
            let length = self.rest().len();
            self.junk(length)?;
            self.put(&tail)?;
            self.put_size()?;
            if !self.newline {
                self.put(b"\n")?;
            }
            self.put(b"}")?;
        }
        let rest = self.rest().len();
        let ended = self.rest().ends_with(b"\n");
        self.keep(rest)?;
        if !ended { self.put(b"\n") } else { Ok(()) }
    }

    fn put_size(&mut self) -> io::Result<()> {
        let (cols, rows) = guess_size(&[]);
        if !self.names.iter().any(|name| name == "width") {
            self.put(format!(", \"width\": {cols}").as_bytes())?;
        }
        if !self.names.iter().any(|name| name == "height") {
            self.put(format!(", \"height\": {rows}").as_bytes())?;
        }
        Ok(())
    }
}
