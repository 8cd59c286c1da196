//! Repairs casts: keeps what is good byte for byte, saves what can be saved.
//!
//! A repair is a sequence of [`Edits`] of the input, found in one pass and in
//! constant memory. Blocks in which every line is plain pass as they are;
//! single lines are looked at only where something is odd.
//!
//! What comes out is *valid*: asciinema 3.2, asciinema 2.4 (v1 and v2) and
//! asciinema-player read it whole, times never run backwards, there are no
//! blank lines, and the last line ends with a newline. Input that is valid
//! comes out byte for byte.

mod clock;
mod document;
mod document_parts;
mod event;
mod found;
mod head;
mod lines;
mod long;
mod members;
mod output;
mod report;
mod text;
mod torn;

use std::io::{self, Read, Write};

pub use output::Edits;
pub use report::{Amount, HeaderFate, Report};

use super::foreign::{Foreign, foreign};
use super::lines::{Blocks, run_pipeline};
use super::validate::opening;
use super::wide::Narrowed;
use lines::{BlockScan, Scanner};
use output::Output;

/// How a repair goes about a file.
#[derive(Clone, Debug)]
pub struct RepairOptions {
    /// How many threads look at the file, at least 1.
    pub threads: usize,
}

impl Default for RepairOptions {
    fn default() -> RepairOptions {
        RepairOptions { threads: 1 }
    }
}

/// Repairs the cast that `input` gives, as edits of it.
///
/// When the report says that nothing could be recovered, what was given to
/// `edits` is not worth keeping.
///
/// # Errors
/// What reading `input` or `edits` give.
pub fn repair_edits<R: Read + Send>(
    input: R,
    options: &RepairOptions,
    edits: &mut dyn Edits,
) -> io::Result<Report> {
    let mut input = input;
    let start = read_start(&mut input)?;
    let wide = foreign(&start);
    let input = io::Cursor::new(start).chain(input);
    if let Some(Foreign::Wide(width)) = wide {
        let mut narrowed = Narrowed::new(input, width);
        let mut rewritten = Rewritten { edits };
        let mut report = repair_text_edits(&mut narrowed, options, &mut rewritten)?;
        rewritten.edits.cut(narrowed.bytes_read())?;
        report.bytes_read = narrowed.bytes_read();
        report.differs = true;
        report.foreign = wide;
        return Ok(report);
    }
    repair_text_edits(input, options, edits)
}

/// The first bytes of the input: enough to tell how wide its characters are.
fn read_start(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    input.take(4).read_to_end(&mut start)?;
    Ok(start)
}

/// Edits of a text that is not written as UTF-8: all of it is new.
struct Rewritten<'a> {
    edits: &'a mut dyn Edits,
}

impl Edits for Rewritten<'_> {
    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.edits.put(bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.edits.put(bytes)
    }

    fn cut(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}

/// Repairs what is UTF-8, or was.
fn repair_text_edits<R: Read + Send>(
    input: R,
    options: &RepairOptions,
    edits: &mut dyn Edits,
) -> io::Result<Report> {
    let mut blocks = Blocks::new(input);
    let mut block = Vec::new();
    let mut output = Output::new(edits);
    let Some(place) = blocks.next(&mut block)? else {
        return Ok(output.report);
    };
    if let Some(foreign) = foreign(&block) {
        // Whatever looks like a cast in it is none.
        output.report.foreign = Some(foreign);
        output.cut_junk(&block)?;
        while blocks.next(&mut block)?.is_some() {
            output.cut_junk(&block)?;
        }
        return Ok(output.report);
    }
    if opening(&block).document {
        document::repair(blocks, place, block, &mut output)?;
        return Ok(output.report);
    }
    let head = head::repair(&block, &mut output)?;
    let mut lines = lines::LineRepairer::new(output, head.version, head.size);
    lines.start(place, &block, head.end)?;
    drop(block);
    run_pipeline(
        blocks,
        options.threads,
        Scanner::default,
        |scanner, place, block| {
            if place.starts_line && place.ends_line {
                scanner.scan(block)
            } else {
                BlockScan::default()
            }
        },
        |place, block, scan| lines.block(place, block, &scan),
    )?;
    lines.finish()
}

/// Repairs the cast that `input` gives and writes it to `output`, also when
/// nothing had to change.
///
/// When the report says that nothing could be recovered, what was written is
/// not worth keeping.
///
/// # Errors
/// What reading `input` or writing `output` gives.
pub fn repair<R: Read + Send, W: Write>(
    input: R,
    output: W,
    options: &RepairOptions,
) -> io::Result<Report> {
    let mut edits = Whole { output };
    let report = repair_edits(input, options, &mut edits)?;
    edits.output.flush()?;
    Ok(report)
}

/// Writes out all of the edited text.
struct Whole<W> {
    output: W,
}

impl<W: Write> Edits for Whole<W> {
    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)
    }

    fn cut(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}
