//! Plain bytes of what may be compressed, from its start to its end.

use std::fmt;
use std::io::{self, BufReader, Chain, Cursor, Read};

use zstd::stream::read::Decoder;

use super::is_packed;

/// Bytes that are read at once to see what an input is.
const LOOKED_AT: usize = 8 * 1024;

type Whole<R> = Chain<Cursor<Vec<u8>>, Input<R>>;

/// An input, and whether reading it failed.
struct Input<R> {
    inner: R,
    has_failed: bool,
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer);
        self.has_failed |= read.is_err();
        read
    }
}

/// A reader that gives plain bytes, whether its input is compressed or not. Where
/// compressed data is damaged or ends in the middle, its error is of the kind
/// `InvalidData`; all that comes before that is given.
pub struct Unpacked<R> {
    form: Form<R>,
}

enum Form<R> {
    Plain(Whole<R>),
    Packed(Box<Decoder<'static, BufReader<Whole<R>>>>),
}

impl<R: Read> Unpacked<R> {
    /// Looks at the first bytes, as many as it takes to tell.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn new(mut input: R) -> io::Result<Unpacked<R>> {
        // As much as comes at once: whoever looks at the first bytes is not to see those
        // alone that it takes to tell.
        let mut start = vec![0; LOOKED_AT];
        let mut count = 0;
        // A pipe may give no more than a line: that is no reason to wait.
        while count < 4 && !start[..count].contains(&b'\n') {
            match input.read(&mut start[count..]) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        start.truncate(count);
        let is_packed = is_packed(&start);
        let input = Input {
            inner: input,
            has_failed: false,
        };
        let whole = Cursor::new(start).chain(input);
        let form = match is_packed {
            true => Form::Packed(Box::new(Decoder::new(whole)?)),
            false => Form::Plain(whole),
        };
        Ok(Unpacked { form })
    }

    /// Whether it unpacks.
    #[must_use]
    pub fn is_packed(&self) -> bool {
        matches!(self.form, Form::Packed(_))
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.form {
            Form::Plain(input) => input.read(buffer),
            Form::Packed(decoder) => decoder.read(buffer).map_err(|error| {
                let (_, input) = decoder.get_ref().get_ref().get_ref();
                match input.has_failed {
                    true => error,
                    false => damage(&error),
                }
            }),
        }
    }
}

/// Unpacked input that ends where its compressed data is damaged: what stands before
/// that is given.
#[derive(Debug)]
pub struct ToDamage<R> {
    input: Unpacked<R>,
    is_damaged: bool,
}

impl<R: Read> ToDamage<R> {
    /// Reads `input` as far as that goes.
    pub fn new(input: Unpacked<R>) -> ToDamage<R> {
        ToDamage {
            input,
            is_damaged: false,
        }
    }

    /// Whether it has ended because of damage.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.is_damaged
    }
}

impl<R: Read> Read for ToDamage<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                self.is_damaged = true;
                Ok(0)
            }
            read => read,
        }
    }
}

fn damage(error: &io::Error) -> io::Error {
    let text = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the compressed data ends in the middle",
        _ => "the compressed data is damaged",
    };
    let text = format!("{text}; `tvmux repair` saves what is there");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

impl<R> fmt::Debug for Unpacked<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_packed = matches!(self.form, Form::Packed(_));
        f.debug_struct("Unpacked")
            .field("is_packed", &is_packed)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_look_sees_more_than_what_told_the_form() {
        let plain = b"Script started on 2026-01-01\nhello\n";
        let mut input = Unpacked::new(&plain[..]).unwrap();
        let mut first = [0; 20];
        assert_eq!(input.read(&mut first).unwrap(), 20);
        let mut rest = first.to_vec();
        input.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, plain);
        // A byte at a time, and less than a form takes.
        for plain in [&plain[..], b"", b"a", b"a\n", b"{}\nx"] {
            let mut input = Unpacked::new(plain).unwrap();
            let (mut all, mut byte) = (Vec::new(), [0]);
            while input.read(&mut byte).unwrap() == 1 {
                all.extend(byte);
            }
            assert_eq!(all, plain);
        }
    }
}
