//! What is converted: recordings of several programs, as events.

use std::fmt;
use std::io::{BufReader, Cursor, Read};

use super::ConvertError;
use super::ttyrec::Ttyrec;
use super::typescript::Typescript;
use crate::cast::event::Event;
use crate::cast::foreign::is_ttyrec;
use crate::cast::header::Header;
use crate::cast::read::{EventReader, Strictness};

/// How a recording is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A cast, v1 to v3.
    Cast,
    /// A ttyrec: frames with a time each.
    Ttyrec,
    /// A typescript of script(1), whose times are in a file of its own.
    Typescript,
}

impl SourceKind {
    /// What a recording that starts with `start` is.
    #[must_use]
    pub fn of(start: &[u8]) -> SourceKind {
        if start.starts_with(b"Script started on ") {
            SourceKind::Typescript
        } else if is_ttyrec(start) {
            SourceKind::Ttyrec
        } else {
            SourceKind::Cast
        }
    }
}

/// A recording that is read.
pub struct Source<'a> {
    form: SourceForm<'a>,
}

type Input<'a> = BufReader<Box<dyn Read + 'a>>;

enum SourceForm<'a> {
    Cast(Box<EventReader<Box<dyn Read + 'a>>>),
    Ttyrec(Box<Ttyrec<Input<'a>>>),
    Typescript(Box<Typescript<Input<'a>, Input<'a>>>),
}

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.form {
            SourceForm::Cast(_) => SourceKind::Cast,
            SourceForm::Ttyrec(_) => SourceKind::Ttyrec,
            SourceForm::Typescript(_) => SourceKind::Typescript,
        };
        f.debug_struct("Source").field("kind", &kind).finish()
    }
}

/// How much is looked at to see what a recording is, in bytes.
const LOOKED_AT: u64 = 64 * 1024;

impl<'a> Source<'a> {
    /// Opens a recording, whatever it is; a typescript also needs `timing`.
    ///
    /// # Errors
    /// When it cannot be read, or is none; see [`Strictness`].
    pub fn open(
        input: impl Read + 'a,
        timing: Option<Box<dyn Read + 'a>>,
        strictness: Strictness,
    ) -> Result<Source<'a>, ConvertError> {
        let mut input = input;
        if let Some(timing) = timing {
            let typescript = Typescript::new(buffered(Box::new(input)), buffered(timing))?;
            return Ok(Source {
                form: SourceForm::Typescript(Box::new(typescript)),
            });
        }
        // A live cast may come slowly: what it starts with is enough.
        let mut first = [0; 64];
        let count = read_some(&mut input, &mut first)?;
        let mut start = first[..count].to_vec();
        if SourceKind::of(&start) == SourceKind::Ttyrec {
            (&mut input)
                .take(LOOKED_AT)
                .read_to_end(&mut start)
                .map_err(|source| ConvertError::Read(source.into()))?;
        }
        let kind = SourceKind::of(&start);
        let whole: Box<dyn Read + 'a> = Box::new(Cursor::new(start).chain(input));
        let form = match kind {
            SourceKind::Cast => SourceForm::Cast(Box::new(EventReader::new(whole, strictness)?)),
            SourceKind::Ttyrec => SourceForm::Ttyrec(Box::new(Ttyrec::new(buffered(whole))?)),
            SourceKind::Typescript => {
                return Err(ConvertError::Timing {
                    line: 0,
                    what: "a typescript has its times in a file of its own, which is not given",
                });
            }
        };
        Ok(Source { form })
    }

    /// The header that a cast of it has.
    #[must_use]
    pub fn header(&self) -> &Header {
        match &self.form {
            SourceForm::Cast(reader) => reader.header(),
            SourceForm::Ttyrec(ttyrec) => ttyrec.header(),
            SourceForm::Typescript(typescript) => typescript.header(),
        }
    }

    /// The next event.
    ///
    /// # Errors
    /// As [`EventReader::next`].
    // Not an iterator: an event borrows from the source.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, ConvertError> {
        match &mut self.form {
            SourceForm::Cast(reader) => Ok(reader.next()?),
            SourceForm::Ttyrec(ttyrec) => ttyrec.next(),
            SourceForm::Typescript(typescript) => typescript.next(),
        }
    }
}

fn buffered(input: Box<dyn Read + '_>) -> BufReader<Box<dyn Read + '_>> {
    BufReader::with_capacity(128 * 1024, input)
}

/// Reads until `buffer` is full or nothing more comes.
fn read_some(input: &mut impl Read, buffer: &mut [u8]) -> Result<usize, ConvertError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => return Err(ConvertError::Read(source.into())),
        }
    }
    Ok(filled)
}
