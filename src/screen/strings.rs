//! Operating system commands: titles, folders, links, colours, marks.

use super::cell::Colour;
use super::marks::Mark;
use super::pool::Link;
use super::terminal::Screen;

/// Bytes of a link that are kept.
const LINK: usize = 4096;

impl Screen {
    /// An operating system command (OSC) without its ends.
    pub(super) fn osc(&mut self, string: &[u8]) {
        let digits = string
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (number, rest) = string.split_at(digits);
        let number = std::str::from_utf8(number)
            .ok()
            .and_then(|text| text.parse::<u32>().ok());
        let rest = match rest {
            [b';', rest @ ..] => rest,
            [] => rest,
            _ => return,
        };
        let Ok(text) = std::str::from_utf8(rest) else {
            return;
        };
        let Some(number) = number else {
            return;
        };
        match number {
            0 | 2 => text.clone_into(&mut self.title),
            4 => self.set_palette(text),
            7 => text.clone_into(&mut self.folder),
            8 => self.link(text),
            number @ 10..=12 => {
                if let Some(colour) = colour(text) {
                    self.default_colours[number as usize - 10] = Some(colour);
                }
            }
            104 => self.reset_palette(text),
            number @ 110..=112 if rest.is_empty() => {
                self.default_colours[number as usize - 110] = None;
            }
            133 => self.shell_mark(text),
            633 => match text.split_once(';') {
                Some(("E", rest)) => {
                    let command = rest.split(';').next().unwrap_or_default();
                    self.marks.set_command(unescape(command));
                }
                Some(("P", rest)) => {
                    if let Some(folder) = rest.strip_prefix("Cwd=") {
                        self.marks.set_folder(unescape(folder));
                    }
                }
                _ => self.shell_mark(text),
            },
            1337 => {
                if let Some(folder) = text.strip_prefix("CurrentDir=") {
                    self.marks.set_folder(folder.to_owned());
                }
            }
            _ => {}
        }
    }

    fn link(&mut self, text: &str) {
        let Some((parameters, uri)) = text.split_once(';') else {
            return;
        };
        if uri.is_empty() || text.len() > LINK {
            self.set_link(None);
            return;
        }
        let id = parameters
            .split(':')
            .find_map(|part| part.strip_prefix("id="));
        self.set_link(Some(Link {
            id: id.unwrap_or_default().into(),
            uri: uri.into(),
        }));
    }

    fn set_palette(&mut self, text: &str) {
        let mut parts = text.split(';');
        while let (Some(index), Some(value)) = (parts.next(), parts.next()) {
            let Ok(index) = index.parse::<u8>() else {
                return;
            };
            if let Some(colour) = colour(value) {
                self.palette.retain(|(known, _)| *known != index);
                self.palette.push((index, colour));
                self.palette.sort_by_key(|(index, _)| *index);
            }
        }
    }

    fn reset_palette(&mut self, text: &str) {
        if text.is_empty() {
            self.palette.clear();
        }
        for index in text.split(';').filter_map(|part| part.parse::<u8>().ok()) {
            self.palette.retain(|(known, _)| *known != index);
        }
    }

    /// OSC 133 and what is like it in OSC 633.
    fn shell_mark(&mut self, text: &str) {
        let mut parts = text.split(';');
        let at = (self.absolute_y(), self.x);
        match parts.next() {
            Some("A") => self.marks.push(Mark::Prompt, at, None),
            Some("B") => self.marks.push(Mark::Input, at, None),
            Some("C") => {
                let given = parts.find_map(|part| {
                    let url = part.strip_prefix("cmdline_url=").map(percent_decoded);
                    let quoted = || part.strip_prefix("cmdline=").map(unquoted);
                    url.or_else(quoted)
                });
                let command = given
                    .or_else(|| self.marks.take_command())
                    .or_else(|| self.typed());
                let folder = self.folder();
                self.marks.push(Mark::Output { command }, at, folder);
            }
            Some("D") => {
                let status = parts.next().and_then(|status| status.parse().ok());
                self.marks.push(Mark::Finished { status }, at, None);
            }
            _ => {}
        }
    }

    /// The text between the end of the prompt and the cursor.
    fn typed(&self) -> Option<String> {
        let (row, column) = self.marks.input()?;
        let mut y = usize::try_from(row.checked_sub(self.grid.dropped)?).ok()?;
        let mut x = column;
        let end = self.grid.history + self.y;
        let mut text = String::new();
        while y <= end {
            let row = self.grid.rows.get(y)?;
            let stop = if y == end {
                self.x.min(row.used)
            } else {
                row.used
            };
            for at in x..stop {
                self.pool.push_text(row.cell(at), &mut text);
            }
            if y < end && !row.wrapped {
                text.truncate(text.trim_end_matches(' ').len());
                text.push('\n');
            }
            (x, y) = (0, y + 1);
        }
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// A colour as X11 writes it: `#rgb`, `#rrggbb`, `rgb:r/g/b` with 1–4 digits each.
fn colour(text: &str) -> Option<Colour> {
    let part = |digits: &str| {
        let known = (1..=4).contains(&digits.len()) && digits.is_ascii();
        let value = u32::from_str_radix(digits, 16).ok().filter(|_| known)?;
        let most = (1_u32 << (4 * digits.len())) - 1;
        Some((value * 255 / most) as u8)
    };
    if let Some(hex) = text.strip_prefix('#') {
        let size = hex.len() / 3;
        if hex.len() != 3 * size || !hex.is_ascii() || size == 0 {
            return None;
        }
        let at = |n: usize| part(&hex[n * size..(n + 1) * size]);
        return Some(Colour::Rgb(at(0)?, at(1)?, at(2)?));
    }
    let mut parts = text.strip_prefix("rgb:")?.split('/');
    let mut next = || part(parts.next()?);
    Some(Colour::Rgb(next()?, next()?, next()?))
}

/// Text in which `%41` stands for `A`.
fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

/// Text that a shell quoted as one word.
fn unquoted(text: &str) -> String {
    match shell_words::split(text) {
        Ok(words) if !words.is_empty() => words.join(" "),
        _ => text.to_owned(),
    }
}

/// Text in which `\x3b` stands for `;`.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let hex = |digits: &[u8]| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        };
        rest = match (byte, after) {
            (b'\\', [b'x', a, b, after @ ..]) if hex(&[*a, *b]).is_some() => {
                out.extend(hex(&[*a, *b]));
                after
            }
            (b'\\', [b'\\', after @ ..]) => {
                out.push(b'\\');
                after
            }
            _ => {
                out.push(*byte);
                after
            }
        };
    }
    String::from_utf8_lossy(&out).into_owned()
}
