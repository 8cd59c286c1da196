//! Output for a terminal that is somebody's: all that shows, and nothing that
//! stays or answers.
//!
//! What passes: text, moves, erasing, colours and styles, scrolling, line
//! drawing, both screens, the cursor shown or hidden, hyperlinks. What does
//! not: questions that the terminal would answer as if they were typed, the
//! clipboard, titles, the palette, sizes, tab stops, the mouse, keyboard modes,
//! images, and whatever is unknown. [`Filter::restore`] ends what passed.

/// Bytes of a sequence that may pass; longer ones do not.
const LONGEST: usize = 8192;

/// A reset, as far as it shows: what it erases is the screen, not the lines above.
const RESET: &str = "\x1b[0m\x1b[r\x1b[?6l\x1b[4l\x1b[?5l\x1b[?7h\x1b[?25h\x1b(B\x1b)B\x0f";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    Csi,
    /// OSC, which may pass or not.
    Osc,
    /// A string that never passes.
    Ignored,
    /// An escape character inside of a string.
    StringEscape,
}

/// Passes output on, sequence by sequence; one may be cut anywhere.
#[derive(Debug, Default)]
pub struct Filter {
    state: State,
    /// The sequence so far, without its introducer.
    sequence: String,
    is_too_long: bool,
    is_osc: bool,
    is_alternate: bool,
}

impl Filter {
    /// Appends to `out` what of `text` may reach a terminal.
    pub fn pass(&mut self, text: &str, out: &mut Vec<u8>) {
        let mut rest = text;
        while !rest.is_empty() {
            if self.state == State::Text {
                let end = rest.find(char::is_control).unwrap_or(rest.len());
                out.extend_from_slice(&rest.as_bytes()[..end]);
                rest = &rest[end..];
            }
            let Some(c) = rest.chars().next() else {
                return;
            };
            self.step(c, out);
            rest = &rest[c.len_utf8()..];
        }
    }

    /// What puts the terminal back, with the cursor at the start of a row.
    #[must_use]
    pub fn restore(&self) -> String {
        let leave = if self.is_alternate { "\x1b[?1049l" } else { "" };
        // Resetting the region moves the cursor.
        format!("\x1b[?2026l{leave}\x1b7{RESET}\x1b8{RESET_STYLE}\r\n")
    }

    fn step(&mut self, c: char, out: &mut Vec<u8>) {
        match (self.state, c) {
            (State::Osc, '\x07') => self.end_osc(out),
            (State::StringEscape, '\\') => {
                if self.is_osc {
                    self.end_osc(out);
                } else {
                    self.state = State::Text;
                }
            }
            (State::StringEscape, '\x1b') => self.start(State::Escape),
            (State::StringEscape, c) => {
                self.start(State::Escape);
                self.step(c, out);
            }
            (_, '\x18' | '\x1a') => self.state = State::Text,
            (State::Osc | State::Ignored, '\x1b') => {
                self.is_osc = self.state == State::Osc;
                self.state = State::StringEscape;
            }
            (State::Osc, c) => self.append(c),
            (State::Ignored, _) => {}
            (_, '\x1b') => self.start(State::Escape),
            (_, '\x07'..='\x0f') => out.push(c as u8),
            (_, c) if c.is_control() => {}
            (State::Escape, c) => self.escape(c, out),
            (State::Csi, '@'..='~') => {
                self.state = State::Text;
                if !self.is_too_long {
                    self.csi(c, out);
                }
            }
            (State::Csi, c) => self.append(c),
            (State::Text, c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }

    fn start(&mut self, state: State) {
        self.state = state;
        self.sequence.clear();
        self.is_too_long = false;
    }

    fn append(&mut self, c: char) {
        if self.sequence.len() < LONGEST {
            self.sequence.push(c);
        } else {
            self.is_too_long = true;
        }
    }

    fn escape(&mut self, c: char, out: &mut Vec<u8>) {
        match c {
            '[' => return self.start(State::Csi),
            ']' => return self.start(State::Osc),
            'P' | 'X' | '^' | '_' | 'k' => return self.start(State::Ignored),
            ' '..='/' => return self.append(c),
            _ => self.state = State::Text,
        }
        match (self.sequence.as_str(), c) {
            ("", '7' | '8' | 'D' | 'E' | 'M') | ("(" | ")", '0' | 'B') | ("#", '8') => {
                out.extend_from_slice(b"\x1b");
                out.extend_from_slice(self.sequence.as_bytes());
                out.push(c as u8);
            }
            ("", 'c') => {
                let leave: &[u8] = if self.is_alternate {
                    b"\x1b[?1049l"
                } else {
                    b""
                };
                self.is_alternate = false;
                out.extend_from_slice(leave);
                out.extend_from_slice(RESET.as_bytes());
                out.extend_from_slice(b"\x1b[H\x1b[2J");
            }
            _ => {}
        }
    }

    fn csi(&mut self, last: char, out: &mut Vec<u8>) {
        let body = self.sequence.as_str();
        let is_number = |c: char| c.is_ascii_digit() || matches!(c, ';' | ':');
        if body.chars().all(is_number) {
            let may_pass = match last {
                '@'..='I'
                | 'K'..='M'
                | 'P'
                | 'S'
                | 'X'
                | 'Z'
                | '`'
                | 'a'
                | 'b'
                | 'd'
                | 'e'
                | 'f'
                | 'm'
                | 'r'
                | 's'
                | 'u' => true,
                // 3 erases the lines above the screen, which are the user's.
                'J' => !body.split(';').any(|part| part == "3"),
                // With more numbers it is about the mouse.
                'T' => !body.contains(';'),
                'h' | 'l' => body == "4",
                _ => false,
            };
            if may_pass {
                out.extend_from_slice(format!("\x1b[{body}{last}").as_bytes());
            }
        } else if body == "!" && last == 'p' {
            out.extend_from_slice(format!("\x1b7{RESET}\x1b8{RESET_STYLE}").as_bytes());
        } else if let Some(modes) = body.strip_prefix('?')
            && matches!(last, 'h' | 'l')
        {
            for mode in modes.split(';') {
                match mode {
                    "47" | "1047" | "1049" => self.is_alternate = last == 'h',
                    "5" | "6" | "7" | "25" | "1048" | "2026" => {}
                    _ => continue,
                }
                out.extend_from_slice(format!("\x1b[?{mode}{last}").as_bytes());
            }
        } else if let Some(what) = body.strip_prefix('?')
            && matches!(last, 'J' | 'K')
            && what.chars().all(|c| c.is_ascii_digit())
        {
            out.extend_from_slice(format!("\x1b[?{what}{last}").as_bytes());
        }
    }

    /// Of all that an OSC can ask for, hyperlinks show.
    fn end_osc(&mut self, out: &mut Vec<u8>) {
        self.state = State::Text;
        let is_link = self.sequence.starts_with("8;");
        if is_link && !self.is_too_long && !self.sequence.contains(char::is_control) {
            out.extend_from_slice(format!("\x1b]{}\x1b\\", self.sequence).as_bytes());
        }
    }
}

/// Restoring the cursor brings the style back that was saved with it.
const RESET_STYLE: &str = "\x1b[0m\x1b]8;;\x1b\\";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn passed(text: &str) -> String {
        let mut out = Vec::new();
        Filter::default().pass(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_shows_passes() {
        for text in [
            "plain 中文 é\r\n\t\x08\x07",
            "\x1b[1;38;5;3;48:2::1:2:3mred\x1b[m",
            "\x1b[2J\x1b[H\x1b[3;4H\x1b[K\x1b[?25l\x1b[?1049h\x1b[2;5r\x1b[5S\x1b[3T",
            "\x1b(0lqk\x1b(B\x0e\x0f\x1b7\x1b8\x1bM\x1bD\x1b#8",
            "\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\",
            "\x1b[4h\x1b[4l\x1b[?7l\x1b[?6h",
        ] {
            assert_eq!(passed(text), text);
        }
        assert_eq!(passed("\x1b]8;;x\x07"), "\x1b]8;;x\x1b\\");
        assert_eq!(passed("\x1b[?25;1000;7h"), "\x1b[?25h\x1b[?7h");
    }

    #[test]
    fn what_a_terminal_answers_or_keeps_does_not() {
        for text in [
            // Questions.
            "\x1b[c",
            "\x1b[0c",
            "\x1b[>c",
            "\x1b[=c",
            "\x1b[5n",
            "\x1b[6n",
            "\x1b[?6n",
            "\x1b[?996n",
            "\x1b[18t",
            "\x1b[>q",
            "\x1b[?u",
            "\x1b[?2026$p",
            "\x1b[4$p",
            "\x1b[1;1;1;1;5;5*y",
            "\x1b[x",
            "\x1bZ",
            "\x05",
            "\x1b]11;?\x07",
            "\x1b]4;1;?\x1b\\",
            "\x1b]52;c;?\x07",
            "\x1bP$qm\x1b\\",
            "\x1bP+q544e\x1b\\",
            "\x1b_Gi=1,a=q;AAAA\x1b\\",
            "\u{9b}6n",
            "\u{90}$qm\u{9c}",
            "\x1bPtmux;\x1b\x1b[6n\x1b\\",
            "\x1b]1337;ReportCellSize\x07",
            "\x1b[?1;1;0S",
            // What stays.
            "\x1b]0;title\x07",
            "\x1b]2;title\x1b\\",
            "\x1bktitle\x1b\\",
            "\x1b]4;1;#ff0000\x07",
            "\x1b]52;c;aGk=\x07",
            "\x1b[3J",
            "\x1b[8;10;10t",
            "\x1b[?1000h",
            "\x1b[?2004h",
            "\x1b[?1h",
            "\x1b[>1u",
            "\x1b[>4;1m",
            "\x1b=",
            "\x1bH",
            "\x1b[3g",
            "\x1b[2 q",
            "\x1b[5i",
            "\x1b[20h",
        ] {
            let shown = passed(&format!("a{text}b"));
            // A C1 control starts nothing here: what follows is text.
            let expected = match text.chars().next() {
                Some('\u{80}'..='\u{9f}') => format!("a{}b", text.replace(char::is_control, "")),
                _ => "ab".to_owned(),
            };
            assert_eq!(shown, expected, "{text:?}");
        }
    }

    #[test]
    fn a_reset_erases_the_screen_alone() {
        let shown = passed("\x1b[?1049h\x1bc");
        assert!(shown.starts_with("\x1b[?1049h\x1b[?1049l"), "{shown:?}");
        assert!(shown.ends_with("\x1b[H\x1b[2J") && !shown.contains("\x1bc"));
    }

    #[test]
    fn the_end_leaves_the_alternate_screen_only_from_there() {
        let mut filter = Filter::default();
        assert!(!filter.restore().contains("1049"));
        filter.pass("\x1b[?1049h", &mut Vec::new());
        assert!(filter.restore().contains("\x1b[?1049l"));
        filter.pass("\x1b[?1049l", &mut Vec::new());
        assert!(!filter.restore().contains("1049"));
    }

    proptest! {
        #[test]
        fn a_cut_changes_nothing(text in "[\\x07\\x18\\x1b\\[\\]PM\\\\?;0-9a-zé\u{9b}]{0,40}", at in any::<prop::sample::Index>()) {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let at = places[at.index(places.len())];
            let mut out = Vec::new();
            let mut filter = Filter::default();
            filter.pass(&text[..at], &mut out);
            filter.pass(&text[at..], &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), passed(&text));
        }

        #[test]
        fn nothing_ends_inside_of_a_sequence(text in "[\\x07\\x1b\\[\\]P?;0-9a-z]{0,40}") {
            let mut screen = crate::screen::Screen::new(40, 5, crate::screen::Rules::OTHER);
            screen.feed(passed(&text).as_bytes());
            screen.feed(b"\x1b[?6l\x1b[r\x1b[2J\x1b[HX");
            prop_assert_eq!(screen.text(crate::screen::Which::Shown, 0), "X");
        }
    }
}
