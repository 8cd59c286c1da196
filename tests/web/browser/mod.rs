//! The page in a real Chromium: what people do in it, and what it shows.

mod actions;
mod asciinema;
mod colours;
mod driver;
mod equal;
mod live;
mod pictures;
mod visit;

use serde_json::json;

use visit::{Visit, write_cast, write_seconds};

/// Keys without a letter, as WebDriver has them.
mod key {
    pub const END: &str = "\u{e010}";
    pub const HOME: &str = "\u{e011}";
    pub const LEFT: &str = "\u{e012}";
    pub const RIGHT: &str = "\u{e014}";
    pub const ESCAPE: &str = "\u{e00c}";
    pub const ENTER: &str = "\u{e007}";
}

#[test]
fn casts_are_listed_and_open() {
    let visit = Visit::start("list", |tvmux| {
        write_seconds(tvmux.folder());
        write_cast(
            tvmux.folder(),
            "other.cast",
            "another",
            &[(0.5, "o", "hello")],
        );
    });
    let Some(visit) = visit else { return };
    let Visit { browser, .. } = &visit;
    browser.wait("return document.querySelectorAll('.rows a').length === 2");
    browser.wait("return document.querySelector('.empty').checkVisibility()");
    browser.picture("now-empty");

    visit.open("#/days");
    browser.wait("return document.querySelectorAll('.day .rows a').length === 2");
    browser.wait("return document.querySelectorAll('.bar').length === 2");
    browser.picture("days");
    // A filter is a part of the address, as all of a view is.
    browser.click(".filters input");
    browser.keys("another");
    browser.wait("return document.querySelectorAll('.day .rows a').length === 1");
    assert_eq!(browser.run("return location.hash"), "#/days?filter=another");

    browser.click(".day .rows a");
    visit.shows("hello", "");
    browser.wait("return document.title === 'another · tvmux'");
    visit.end();
}

#[test]
fn a_cast_plays_and_every_moment_is_a_key_a_click_or_a_link_away() {
    let visit = Visit::start("seek", |tvmux| write_seconds(tvmux.folder()));
    let Some(visit) = visit else { return };
    let Visit { browser, .. } = &visit;
    let id = visit.id_of("the seconds");
    visit.open(&format!("#/cast/{id}?t=0"));
    visit.shows("second 0.", "second 1.");
    visit.is("paused");

    browser.keys("  ");
    visit.is("paused");
    browser.keys("+++ ");
    visit.shows("second 3.", "");
    browser.keys(" =");
    visit.is("paused");

    browser.keys("5");
    visit.shows("second 10.", "second 11.");
    browser.keys(key::RIGHT);
    visit.shows("second 15.", "second 16.");
    browser.keys(key::LEFT);
    visit.shows("second 10.", "second 11.");
    browser.keys(key::END);
    visit.shows("second 20.", "");
    browser.keys(key::HOME);
    visit.shows("second 0.", "second 1.");

    // Frame by frame, there and back.
    browser.keys(".");
    visit.shows("second 1.", "second 2.");
    browser.keys(".");
    visit.shows("second 2.", "second 3.");
    browser.keys(",");
    visit.shows("second 1.", "second 2.");

    // Markers and commands.
    browser.keys("]");
    visit.shows("second 9.", "second 10.");
    assert_eq!(visit.time(), 9.5);
    browser.keys("f");
    visit.shows("make test", "second 13.");
    browser.keys("{");
    visit.shows("make all", "second 5.");
    browser.click(".moments li:nth-child(2) button");
    visit.shows("make test", "second 13.");
    assert_eq!(visit.time(), 12.0);
    let failed = browser.run("return document.querySelector('.moments .failed').textContent");
    assert!(failed.as_str().unwrap().contains("status 2"), "{failed}");

    // The middle of the line of time, by a click; a preview where the mouse rests.
    browser.click(".track");
    visit.shows("second 10.", "second 11.");
    let place = browser.run(
        "const {left, top, width, height} = document.querySelector('.track').getBoundingClientRect();
         return [left + width * 0.75, top + height / 2]",
    );
    browser.point(place[0].as_f64().unwrap(), place[1].as_f64().unwrap());
    browser.wait("return document.querySelector('.preview img').naturalWidth > 0");
    browser.wait("return document.querySelector('.caption').textContent.startsWith('0:1')");
    browser.picture("player");

    // A typed time, and a link.
    browser.keys("g");
    browser.wait("return document.querySelector('dialog[open] input') === document.activeElement");
    browser.keys(&format!("0:17{}", key::ENTER));
    visit.shows("second 17.", "second 18.");
    visit.open(&format!("#/cast/{id}?t=7.2"));
    visit.shows("second 7.", "second 8.");
    assert_eq!(visit.time(), 7.2);
    // The address tells the moment, so that a reload keeps it.
    browser.keys(key::RIGHT);
    visit.shows("second 12.", "second 13.");
    let hash = browser.wait("return location.hash.includes('12.2') && location.hash");
    assert_eq!(hash, json!(format!("#/cast/{id}?t=12.2")));
    browser.run("location.reload()");
    visit.shows("second 12.", "second 13.");
    visit.is("paused");

    browser.keys("h");
    browser.wait("return document.querySelector('dialog.keys[open]') !== null");
    browser.picture("keys");
    browser.keys(key::ESCAPE);
    browser.wait("return document.querySelector('dialog') === null");
    visit.end();
}

#[test]
fn pauses_are_folded_and_the_end_is_reached() {
    let visit = Visit::start("idle", |tvmux| {
        let events = [(0.1, "o", "before\r\n"), (3600.0, "o", "after\r\n")];
        write_cast(tvmux.folder(), "pause.cast", "a pause", &events);
    });
    let Some(visit) = visit else { return };
    let id = visit.id_of("a pause");
    visit.open(&format!("#/cast/{id}"));
    visit.is("playing");
    // An hour of nothing takes two seconds.
    visit.shows("after", "");
    visit.is("paused");
    let label = "return document.querySelector('.transport button').getAttribute('aria-label')";
    assert_eq!(visit.browser.run(label), "Play again");
    assert_eq!(visit.time(), 3600.0);
    visit.end();
}

#[test]
fn a_search_opens_the_moment_that_shows_the_text() {
    let visit = Visit::start("search", |tvmux| {
        let events = [
            (1.0, "o", "nothing here\r\n"),
            (30.0, "o", "the needle in the hay\r\n"),
            (60.0, "o", "\x1b[H\x1b[2Jall clear\r\n"),
        ];
        write_cast(tvmux.folder(), "hay.cast", "a haystack", &events);
        write_seconds(tvmux.folder());
        tvmux.ok(["archive", "update"]);
    });
    let Some(visit) = visit else { return };
    let Visit { browser, .. } = &visit;
    browser.keys("/");
    browser.wait("return document.activeElement.id === 'find-text'");
    browser.keys(&format!("needl{}", key::ENTER));
    browser.wait("return document.querySelectorAll('.hit').length === 1");
    // As one types.
    browser.wait("return document.activeElement.matches('input.large')");
    browser.keys("e");
    browser.wait("return location.hash === '#/search?q=needle'");
    let hit = browser.wait("return document.querySelector('.hit mark')?.textContent === 'needle' && document.querySelector('.hit').textContent");
    assert!(hit.as_str().unwrap().contains("0:30"), "{hit}");
    browser.picture("search");
    browser.click(".hit a");
    visit.shows("the needle in the hay", "all clear");
    visit.is("paused");
    browser.wait("return CSS.highlights.get('found')?.size === 1");
    assert_eq!(visit.time(), 30.0);

    // In this recording alone.
    browser.keys("/");
    browser.wait("return document.querySelector('dialog[open] input') === document.activeElement");
    browser.keys(&format!("clear{}", key::ENTER));
    visit.shows("all clear", "needle");
    visit.end();
}

#[test]
fn the_page_is_dark_light_and_narrow() {
    let visit = Visit::start("themes", |tvmux| write_seconds(tvmux.folder()));
    let Some(visit) = visit else { return };
    let Visit { browser, .. } = &visit;
    let ground = "return getComputedStyle(document.body).backgroundColor";
    let dark = browser.run(ground);
    browser.prefer("light");
    let light = browser.run(ground);
    assert_ne!(dark, light);
    browser.picture("light");
    // The switch wins over the system: dark, then light, then the system's again.
    browser.click("#theme");
    assert_eq!(browser.run(ground), dark);
    browser.run("location.reload()");
    browser.wait("return document.querySelector('main h1') !== null");
    assert_eq!(browser.run(ground), dark);
    browser.click("#theme");
    assert_eq!(browser.run(ground), light);
    browser.click("#theme");

    browser.resize(390, 844);
    let id = visit.id_of("the seconds");
    for place in [
        "#/",
        "#/days",
        "#/search?q=second",
        &format!("#/cast/{id}?t=5"),
    ] {
        visit.open(place);
        let wide = browser.run("return document.documentElement.scrollWidth - innerWidth");
        assert!(wide.as_i64().unwrap() <= 0, "{place}: {wide}");
    }
    visit.shows("second 5.", "second 6.");
    browser.picture("phone");
    visit.end();
}

#[test]
fn the_text_is_copied_as_lines() {
    let visit = Visit::start("copy", |tvmux| {
        let long = "x".repeat(75) + "0123456789";
        let text = format!("short   \r\n\x1b[31mred\x1b[0m {long}\r\n漢字 é 😀 end\r\n");
        write_cast(tvmux.folder(), "text.cast", "text", &[(0.1, "o", &text)]);
    });
    let Some(visit) = visit else { return };
    let id = visit.id_of("text");
    visit.open(&format!("#/cast/{id}?t=1"));
    visit.shows("end", "");
    let copied = visit.browser.run(
        "const range = document.createRange();
         const rows = document.querySelectorAll('.row');
         range.setStart(rows[0], 0);
         range.setEnd(rows[3], rows[3].childNodes.length);
         getSelection().removeAllRanges();
         getSelection().addRange(range);
         const event = new ClipboardEvent('copy', {clipboardData: new DataTransfer(), bubbles: true, cancelable: true});
         rows[0].dispatchEvent(event);
         return event.clipboardData.getData('text/plain')",
    );
    let long = "x".repeat(75) + "0123456789";
    assert_eq!(copied, json!(format!("short\nred {long}\n漢字 é 😀 end")));
    // Each wide character has two columns, whatever the font.
    let ends = visit.browser.run(
        "const row = document.querySelectorAll('.row')[3];
         const cell = document.querySelector('.caret').getBoundingClientRect().width;
         const last = row.lastChild.getBoundingClientRect();
         const range = document.createRange();
         range.selectNodeContents(row);
         return (range.getBoundingClientRect().right - row.getBoundingClientRect().left) / cell",
    );
    let ends = ends.as_f64().unwrap();
    assert!((ends - 13.0).abs() < 0.3, "{ends}");
    visit.end();
}

#[test]
fn a_hostile_cast_runs_nothing() {
    let script = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>";
    let title = format!("{script}\u{202e}{}", "T".repeat(5000));
    let visit = Visit::start("hostile", |tvmux| {
        let output = format!(
            "{script}\r\n\x1b]2;{title}\x07\
             \x1b]8;;javascript:window.pwned=1\x07bad\x1b]8;;\x07 \
             \x1b]8;;https://example.com/\"onclick=\"window.pwned=1\x07good\x1b]8;;\x07 \
             \x1b]8;;data:text/html,<script>1</script>\x07data\x1b]8;;\x07\r\n\
             abc \u{202e}txt.exe\u{202c} end\r\n\
             \x1b]133;A\x07\x1b]133;B\x07{script}\r\n\x1b]133;C\x07\x1b]133;D;1\x07"
        );
        let events = [
            (0.1, "o", output.as_str()),
            (0.5, "m", script),
            (1.0, "o", "done"),
        ];
        write_cast(
            tvmux.folder(),
            "hostile <img src=x onerror=pwned=1>.cast",
            &title,
            &events,
        );
        tvmux.ok(["archive", "update"]);
    });
    let Some(visit) = visit else { return };
    let Visit { browser, .. } = &visit;
    let id = visit.id_of("hostile");
    browser.wait("return document.querySelectorAll('.rows a').length === 1");
    for place in [
        "#/days",
        "#/search?q=script",
        &format!("#/cast/{id}?t=1&find=script"),
    ] {
        visit.open(place);
        browser.wait("return document.querySelector('main').textContent.includes('<script>')");
    }
    visit.shows("done", "");
    browser.wait("return document.querySelectorAll('.moments li').length > 0");
    let links = browser.run(
        "return [...document.querySelectorAll('.row a')].map((link) => [link.protocol, link.rel, link.target, link.attributes.onclick === undefined])",
    );
    let marked = json!([["https:", "noopener noreferrer nofollow", "_blank", true]]);
    assert_eq!(links, marked);
    // Nothing turns the direction of the text.
    let line = visit.rows()[2].clone();
    assert_eq!(line, "abc txt.exe end");
    let made =
        browser.run("return document.querySelectorAll('main script, main img[src=x]').length");
    assert_eq!(made, 0);
    assert_eq!(browser.run("return window.pwned === undefined"), true);
    let wide = browser.run("return document.documentElement.scrollWidth - innerWidth");
    assert!(wide.as_i64().unwrap() <= 0, "{wide}");
    browser.picture("hostile");
    visit.end();
}
