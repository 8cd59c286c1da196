//! A cast as a picture that moves (SVG), and as a page that plays it.
//!
//! Each state of a row is drawn once, with the times at which it is seen; whoever
//! draws no animations sees the last screen. Written as it goes: memory holds one
//! screen.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::html::push_head;
use super::push_escaped;
use super::svg::{push_row, push_start};
use super::theme::Theme;
use crate::cast::{Marker, Micros};
use crate::screen::Screen;

/// A moving picture being written.
pub struct Animation<W> {
    out: W,
    theme: Theme,
    /// Rows at most.
    height: usize,
    /// How long it takes, in microseconds; above 0.
    duration: Micros,
    /// What each row shows, and since when.
    rows: Vec<(String, Micros)>,
}

impl<W: Write> Animation<W> {
    /// Starts a picture of a screen's columns and rows (the first ones of larger
    /// screens) that takes `duration`
    /// microseconds and then starts again.
    ///
    /// # Errors
    /// What `out` gives.
    pub fn new(
        mut out: W,
        size: (u16, u16),
        title: &str,
        theme: &Theme,
        duration: Micros,
    ) -> io::Result<Animation<W>> {
        let mut start = String::new();
        push_start(size, title, theme, &mut start);
        out.write_all(start.as_bytes())?;
        Ok(Animation {
            out,
            theme: theme.clone(),
            height: usize::from(size.1),
            duration: duration.max(1),
            rows: Vec::new(),
        })
    }

    /// The screen from `time` on.
    ///
    /// # Errors
    /// What writing gives.
    pub fn show(&mut self, time: Micros, screen: &Screen) -> io::Result<()> {
        let height = usize::from(screen.size().1).min(self.height);
        let cursor = screen.cursor();
        let theme = self.theme.changed_by(screen);
        let mut drawn = String::new();
        for row in 0..height.max(self.rows.len()) {
            drawn.clear();
            if row < height {
                let cursor = (cursor.visible && cursor.row == row).then_some(&cursor);
                push_row(screen, row, cursor, &theme, &mut drawn);
            }
            if row == self.rows.len() {
                self.rows.push((String::new(), time));
            }
            if self.rows[row].0 == drawn {
                continue;
            }
            let (old, since) = std::mem::replace(&mut self.rows[row], (drawn.clone(), time));
            self.write_state(&old, since, Some(time))?;
        }
        Ok(())
    }

    /// Writes what a row showed from one time to another, or to the end.
    fn write_state(&mut self, drawn: &str, since: Micros, until: Option<Micros>) -> io::Result<()> {
        if drawn.trim_end().is_empty() || until.is_some_and(|until| until <= since) {
            return Ok(());
        }
        let part = |time: Micros| time as f64 / self.duration as f64;
        let seconds = self.duration as f64 / 1e6;
        let (mut values, mut times) = (String::new(), String::new());
        if since > 0 {
            values.push_str("hidden;");
            times.push_str("0;");
        }
        values.push_str("visible");
        let _ = write!(times, "{:.6}", part(since).min(1.0));
        if let Some(until) = until {
            values.push_str(";hidden");
            let _ = write!(times, ";{:.6}", part(until).min(1.0));
        }
        let seen = if until.is_none() { "visible" } else { "hidden" };
        if since == 0 && until.is_none() {
            writeln!(self.out, "<g>{}</g>", drawn.trim_end())
        } else {
            writeln!(
                self.out,
                "<g visibility=\"{seen}\"><animate attributeName=\"visibility\" \
                 calcMode=\"discrete\" dur=\"{seconds}s\" repeatCount=\"indefinite\" \
                 values=\"{values}\" keyTimes=\"{times}\"/>{}</g>",
                drawn.trim_end()
            )
        }
    }

    /// Ends the picture; gives back what it was written to.
    ///
    /// # Errors
    /// What writing gives.
    pub fn finish(mut self) -> io::Result<W> {
        for (drawn, since) in std::mem::take(&mut self.rows) {
            self.write_state(&drawn, since, None)?;
        }
        self.out.write_all(b"</g>\n</svg>\n")?;
        Ok(self.out)
    }
}

/// What makes a page of a moving picture: written before and after it.
pub struct Page;

impl Page {
    /// Starts the page.
    ///
    /// # Errors
    /// What `out` gives.
    pub fn start(mut out: impl Write, title: &str, theme: &Theme) -> io::Result<()> {
        let mut head = String::new();
        push_head(title, theme, CONTROLS_STYLE, &mut head);
        head.push_str("<main>\n");
        out.write_all(head.as_bytes())
    }

    /// Ends the page: with controls, and the markers to go to.
    ///
    /// # Errors
    /// What `out` gives.
    pub fn finish(mut out: impl Write, duration: Micros, markers: &[Marker]) -> io::Result<()> {
        let seconds = duration.max(1) as f64 / 1e6;
        let mut end = String::from("</main>\n<p><button type=\"button\">Pause</button> ");
        let _ = writeln!(
            end,
            "<input type=\"range\" min=\"0\" max=\"{seconds}\" step=\"any\" value=\"0\" \
             aria-label=\"Time\"> <output>0:00</output></p>"
        );
        if !markers.is_empty() {
            end.push_str("<ol>\n");
            for marker in markers {
                let at = marker.time as f64 / 1e6;
                let _ = write!(end, "<li><button type=\"button\" data-time=\"{at}\">");
                push_escaped(&marker.label, &mut end);
                end.push_str("</button></li>\n");
            }
            end.push_str("</ol>\n");
        }
        end.push_str(CONTROLS);
        end.push_str("</body>\n</html>\n");
        out.write_all(end.as_bytes())
    }
}

/// Controls as wide as the page, in its colours.
const CONTROLS_STYLE: &str = "svg { display: block; max-width: 100%; height: auto; }
p { display: flex; gap: 1em; align-items: center; max-width: 60em; }
p input { flex: 1; }
button { padding: .3em .8em; font: inherit; color: inherit; background: #8883; border: 1px solid #8886; border-radius: 4px; cursor: pointer; }
li { margin: .3em 0; }
";

/// Pauses the picture and moves it in time. It knows no text of the cast.
const CONTROLS: &str = r#"<script>
"use strict";
const picture = document.querySelector("svg");
const pause = document.querySelector("p button");
const slider = document.querySelector("input");
const clock = document.querySelector("output");
const duration = Number(slider.max);
const show = () => {
  const now = picture.getCurrentTime() % duration;
  slider.value = now;
  const whole = Math.floor(now);
  clock.value = Math.floor(whole / 60) + ":" + String(whole % 60).padStart(2, "0");
};
const goTo = (time) => { picture.setCurrentTime(time); show(); };
const toggle = () => {
  if (picture.animationsPaused()) { picture.unpauseAnimations(); } else { picture.pauseAnimations(); }
  pause.textContent = picture.animationsPaused() ? "Play" : "Pause";
};
pause.addEventListener("click", toggle);
slider.addEventListener("input", () => goTo(Number(slider.value)));
for (const marker of document.querySelectorAll("li button")) {
  marker.addEventListener("click", () => goTo(Number(marker.dataset.time)));
}
document.addEventListener("keydown", (event) => {
  if (event.target instanceof HTMLButtonElement || event.target instanceof HTMLInputElement) { return; }
  if (event.key === " ") { event.preventDefault(); toggle(); }
  if (event.key === "ArrowLeft") { goTo(Math.max(0, picture.getCurrentTime() % duration - 5)); }
  if (event.key === "ArrowRight") { goTo(Math.min(duration, picture.getCurrentTime() % duration + 5)); }
});
setInterval(show, 200);
</script>
"#;
