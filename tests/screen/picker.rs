//! The picker, drawn into memory.

use std::path::PathBuf;

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use tvmux::screen::{Rules, Screen, Which};
use tvmux::view::frame::Painter;
use tvmux::view::picker::{Item, List, Picker, Wish};

const SIZE: (u16, u16) = (120, 30);

/// A picker with a terminal that it draws on.
struct Stage {
    picker: Picker,
    painter: Painter,
    terminal: Screen,
}

fn item(name: &str, text: &str) -> Item {
    Item {
        cast: PathBuf::from(format!("/casts/{name}.cast")),
        when: "5 min ago".to_owned(),
        text: text.to_owned(),
        ..Item::default()
    }
}

fn casts() -> Vec<Item> {
    vec![
        item("one", "work:@1  editor  vim main.rs"),
        item("two", "work:@2  build  cargo test"),
        item("three", "mail:@3  mutt"),
    ]
}

fn running() -> Item {
    Item {
        recording: Some("work:@1".to_owned()),
        ..item("one", "work:@1  editor")
    }
}

impl Stage {
    fn new(list: List, (columns, rows): (u16, u16)) -> Stage {
        let mut picker = Picker::new(list, (columns, rows));
        picker.set(List::Casts, casts());
        picker.set(List::Running, vec![running()]);
        Stage {
            picker,
            painter: Painter::default(),
            terminal: Screen::new(columns, rows, Rules::OTHER),
        }
    }

    fn press(&mut self, code: KeyCode, modifiers: KeyModifiers) -> Option<Wish> {
        self.picker.on(&Event::Key(KeyEvent::new(code, modifiers)))
    }

    fn key(&mut self, code: KeyCode) -> Option<Wish> {
        self.press(code, KeyModifiers::NONE)
    }

    fn control(&mut self, c: char) -> Option<Wish> {
        self.press(KeyCode::Char(c), KeyModifiers::CONTROL)
    }

    /// Types a text; gives what the last key asked for.
    fn types(&mut self, text: &str) -> Option<Wish> {
        text.chars().map(|c| self.key(KeyCode::Char(c))).last()?
    }

    fn click(&mut self, column: u16, row: u16) -> Option<Wish> {
        self.picker.on(&Event::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }))
    }

    fn rows(&mut self) -> Vec<String> {
        let mut bytes = String::new();
        let frame = self.picker.draw();
        assert_eq!(frame.lines.len(), usize::from(self.terminal.size().1));
        self.painter.paint(frame, &mut bytes);
        self.terminal.feed(bytes.as_bytes());
        let rows = usize::from(self.terminal.size().1);
        (0..rows)
            .map(|y| self.terminal.text(Which::Shown, y).trim_end().to_owned())
            .collect()
    }

    fn selected(&self) -> &str {
        let item = self.picker.selected().unwrap();
        item.cast.file_stem().unwrap().to_str().unwrap()
    }
}

#[test]
fn lists_are_drawn_with_what_they_have() {
    let mut stage = Stage::new(List::Casts, SIZE);
    let rows = stage.rows();
    assert!(rows[0].starts_with(" running   casts   hits"), "{rows:#?}");
    assert!(rows[0].ends_with('3'), "{rows:#?}");
    assert!(rows[1].starts_with("> type to narrow"), "{rows:#?}");
    assert!(rows[2].contains("5 min ago") && rows[2].contains("vim main.rs"));
    assert!(rows[4].contains("mutt"));
    assert!(rows[29].contains("Enter plays"));
    stage.key(KeyCode::BackTab);
    let rows = stage.rows();
    assert!(
        rows[2].starts_with("● 5 min ago   work:@1  editor"),
        "{rows:#?}"
    );
}

#[test]
fn typing_narrows_the_list_and_the_best_comes_first() {
    let mut stage = Stage::new(List::Casts, SIZE);
    assert_eq!(stage.types("crgts"), None);
    assert_eq!(stage.selected(), "two");
    assert!(stage.rows()[0].ends_with("1/3"));
    assert_eq!(stage.types("zzz"), None);
    assert_eq!(stage.picker.selected(), None);
    assert!(stage.rows()[2].contains("nothing fits"));
    assert_eq!(stage.key(KeyCode::Enter), None);
    assert_eq!(stage.control('u'), None);
    assert_eq!(stage.types("!work"), None);
    assert_eq!(stage.selected(), "three");
}

#[test]
fn what_was_found_is_told_by_its_colour() {
    let mut stage = Stage::new(List::Casts, SIZE);
    stage.picker.set(
        List::Casts,
        vec![item("one", "wörk ünd build"), item("two", "x")],
    );
    stage.key(KeyCode::Down);
    stage.types("build");
    stage.rows();
    let mut found = String::new();
    stage.terminal.each_character(Which::Shown, 2, |character| {
        if character.style.fg != tvmux::screen::Colour::Default {
            found.push_str(character.text);
        }
    });
    assert_eq!(found, "build");
}

#[test]
fn keys_and_clicks_move_and_pick() {
    let mut stage = Stage::new(List::Casts, SIZE);
    stage.rows();
    for (code, expected) in [
        (KeyCode::Down, "two"),
        (KeyCode::Up, "one"),
        (KeyCode::Up, "one"),
        (KeyCode::End, "three"),
        (KeyCode::Down, "three"),
        (KeyCode::Home, "one"),
        (KeyCode::PageDown, "three"),
    ] {
        assert_eq!(stage.key(code), None);
        assert_eq!(stage.selected(), expected, "{code:?}");
    }
    assert_eq!(stage.click(5, 3), None);
    assert_eq!(stage.selected(), "two");
    assert_eq!(stage.click(5, 20), None);
    assert_eq!(stage.selected(), "two");
    let two = casts().remove(1);
    assert_eq!(stage.click(5, 3), Some(Wish::Play(two.clone())));
    assert_eq!(stage.key(KeyCode::Enter), Some(Wish::Play(two)));
    assert_eq!(
        stage.control('y'),
        Some(Wish::Copy("/casts/two.cast".to_owned()))
    );
    assert_eq!(stage.key(KeyCode::Esc), Some(Wish::Quit));
    assert_eq!(stage.control('c'), Some(Wish::Quit));
}

#[test]
fn a_long_list_scrolls_so_that_what_is_selected_is_seen() {
    let mut stage = Stage::new(List::Casts, (60, 10));
    let many = (0..10_000).map(|n| item(&n.to_string(), &format!("cast number {n}")));
    stage.picker.set(List::Casts, many.collect());
    stage.key(KeyCode::End);
    let rows = stage.rows();
    assert!(rows[8].contains("cast number 9999"), "{rows:#?}");
    stage.key(KeyCode::PageUp);
    let rows = stage.rows();
    assert!(rows[2].contains("cast number 9992"), "{rows:#?}");
    stage.types("4242");
    assert!(stage.rows()[2].contains("cast number 4242"));
}

#[test]
fn what_is_selected_stays_when_the_list_is_read_again() {
    let mut stage = Stage::new(List::Casts, SIZE);
    let mut more = casts();
    more.insert(0, item("new", "home:@9"));
    stage.picker.set(List::Casts, more.clone());
    assert_eq!(stage.selected(), "new");
    stage.picker.set(List::Casts, casts());
    stage.key(KeyCode::Down);
    stage.picker.set(List::Casts, more);
    assert_eq!(stage.selected(), "two");
    stage.picker.set(List::Casts, Vec::new());
    assert!(stage.rows()[2].contains("no casts so far"));
}

#[test]
fn hits_are_what_is_typed_and_come_bit_by_bit() {
    let mut stage = Stage::new(List::Casts, SIZE);
    assert_eq!(stage.key(KeyCode::Tab), Some(Wish::Search(String::new())));
    assert!(stage.rows()[1].contains("type what was on a screen"));
    assert_eq!(stage.types("need"), Some(Wish::Search("need".to_owned())));
    assert!(stage.rows()[2].contains('…'));
    let hit = Item {
        time: Some(2_000_000),
        ..item("one", "a needle")
    };
    stage.picker.add_hits(vec![hit.clone()], true);
    stage.picker.add_hits(vec![item("two", "needles")], false);
    let rows = stage.rows();
    assert!(
        rows[0].ends_with('2') && rows[2].contains("a needle"),
        "{rows:#?}"
    );
    assert_eq!(stage.key(KeyCode::Enter), Some(Wish::Play(hit)));
    // Another text is another search, and what was found before goes.
    assert_eq!(stage.types("x"), Some(Wish::Search("needx".to_owned())));
    assert_eq!(stage.picker.selected(), None);
}

#[test]
fn recordings_are_ended_and_marked_and_casts_removed_after_a_question() {
    let mut stage = Stage::new(List::Running, SIZE);
    let id = || "work:@1".to_owned();
    assert_eq!(stage.control('s'), Some(Wish::Stop(id())));
    assert_eq!(stage.control('o'), Some(Wish::Pause(id())));
    assert_eq!(stage.control('t'), None);
    assert_eq!(stage.types("here"), None);
    assert!(stage.rows()[29].contains("mark as: here"));
    assert_eq!(
        stage.key(KeyCode::Enter),
        Some(Wish::Mark(id(), "here".to_owned()))
    );
    assert_eq!(stage.control('t'), None);
    assert_eq!(stage.key(KeyCode::Esc), None);
    // What runs is not removed.
    assert_eq!(stage.control('x'), None);
    assert!(stage.rows()[29].contains("being recorded"));
    stage.key(KeyCode::Tab);
    assert_eq!(stage.control('s'), None);
    assert!(stage.rows()[29].contains("not being recorded"));
    stage.key(KeyCode::Down);
    assert_eq!(stage.control('x'), None);
    assert!(stage.rows()[29].contains("remove two.cast forever?"));
    assert_eq!(stage.types("n"), None);
    stage.control('x');
    let two = PathBuf::from("/casts/two.cast");
    assert_eq!(stage.types("y"), Some(Wish::Remove(two)));
}

#[test]
fn the_screen_of_what_is_selected_stands_beside_the_list() {
    let mut screen = Screen::new(80, 24, Rules::OTHER);
    screen.feed(b"first row\r\n\x1b[31mred\x1b[m \xe6\xbc\xa2\x1b[?25l");
    for (size, column, row) in [((120, 30), 61, 2), ((80, 60), 0, 31)] {
        let mut stage = Stage::new(List::Casts, size);
        let (cast, time) = stage.picker.wanted_preview().unwrap();
        assert_eq!((cast.to_str(), time), (Some("/casts/one.cast"), None));
        let cast = cast.to_owned();
        stage.picker.set_preview(cast, None, Ok(screen.clone()));
        assert_eq!(stage.picker.wanted_preview(), None);
        let rows = stage.rows();
        let shown = |row: usize| rows[row].chars().skip(column).collect::<String>();
        assert_eq!(shown(row), "first row", "{rows:#?}");
        assert!(shown(row + 1).starts_with("red 漢"), "{rows:#?}");
        // Of another cast, another is wanted; what comes too late is not shown.
        stage.key(KeyCode::Down);
        let late = PathBuf::from("/casts/one.cast");
        stage.picker.set_preview(late, None, Ok(screen.clone()));
        assert!(stage.picker.wanted_preview().is_some());
        assert!(!stage.rows()[row].contains("first row"));
        let two = PathBuf::from("/casts/two.cast");
        stage
            .picker
            .set_preview(two, None, Err("it cannot be read".to_owned()));
        assert!(stage.rows()[row].contains("it cannot be read"));
    }
    // No room, no screen.
    assert_eq!(
        Stage::new(List::Casts, (80, 20)).picker.wanted_preview(),
        None
    );
}

#[test]
fn help_says_what_keys_do_and_small_terminals_are_drawn_too() {
    let mut stage = Stage::new(List::Casts, SIZE);
    stage.key(KeyCode::F(1));
    assert!(stage.rows().iter().any(|row| row.contains("copy the path")));
    stage.key(KeyCode::Esc);
    assert!(stage.rows()[2].contains("vim main.rs"));
    for (columns, rows) in [
        (1, 1),
        (2, 2),
        (3, 3),
        (10, 4),
        (100, 3),
        (99, 24),
        (300, 100),
    ] {
        let mut stage = Stage::new(List::Casts, (columns, rows));
        stage.rows();
        stage.key(KeyCode::F(1));
        stage.rows();
        assert_eq!(stage.click(0, 0), None);
    }
}

#[test]
fn what_was_recorded_never_reaches_the_terminal_as_anything_but_text() {
    let mut stage = Stage::new(List::Casts, SIZE);
    stage.picker.set(
        List::Casts,
        vec![item(
            "\u{1b}[2J",
            "evil \u{1b}]0;title\u{7} \u{9b}31m\u{202e}txet",
        )],
    );
    stage.picker.say("\u{1b}[31mred");
    let mut bytes = String::new();
    Painter::default().paint(stage.picker.draw(), &mut bytes);
    assert!(!bytes.contains('\u{7}') && !bytes.contains('\u{9b}'));
    assert!(!bytes.contains("\u{1b}]0") && !bytes.contains("\u{1b}[31mred"));
}

#[test]
fn the_last_minutes_are_saved_where_only_those_are_kept() {
    let mut stage = Stage::new(List::Running, SIZE);
    assert_eq!(stage.control('f'), None);
    assert!(stage.rows()[29].contains("all of it is kept: there is nothing to save"));
    stage.key(KeyCode::Down);
    assert!(stage.rows()[29].contains("Ctrl-Y path"));
    let kept = Item {
        is_flashback: true,
        ..running()
    };
    stage.picker.set(List::Running, vec![kept]);
    assert!(
        stage.rows()[29].contains("Ctrl-F save"),
        "{:#?}",
        stage.rows()
    );
    assert_eq!(stage.control('f'), Some(Wish::Save("work:@1".to_owned())));
    stage.key(KeyCode::F(1));
    let help = stage.rows().join("\n");
    assert!(help.contains("Ctrl-F"), "{help}");
    // A cast is no recording.
    stage.key(KeyCode::Esc);
    stage.key(KeyCode::Tab);
    assert_eq!(stage.control('f'), None);
    assert!(stage.rows()[29].contains("this is not being recorded"));
}
