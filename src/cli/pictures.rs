//! `tvmux convert` to pictures that move: SVG, and a page that plays it.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::progress::Progress;
use super::screenshot::failure;
use super::{Failure, validate::shown};
use crate::cast::{Converted, Marker, Micros, TimeOptions};
use crate::timeline::{Folding, Frames, Timeline};
use crate::view::{Animation, Page, Theme};

/// Frames a second at most.
const RATE: f64 = 30.0;

/// How long the last screen is seen before it starts again, in microseconds.
const LAST: Micros = 2_000_000;

pub(super) struct Scene<'a> {
    pub timeline: &'a Timeline,
    /// The file's name, for messages.
    pub cast: &'a Path,
    pub from: Micros,
    pub until: Micros,
    pub time: &'a TimeOptions,
    /// Columns and rows that are drawn at most.
    pub most: (u16, u16),
    /// In the order of their times.
    pub markers: &'a [Marker],
}

/// The clock of the picture.
struct Clock {
    folding: Folding,
    start: Micros,
    speed: f64,
}

impl Clock {
    fn at(&self, time: Micros) -> Micros {
        let folded = self.folding.folded(time).saturating_sub(self.start);
        (folded as f64 / self.speed).round() as Micros
    }
}

/// Draws a scene, which the timeline has gone through, as SVG or as a page.
pub(super) fn draw<W: Write>(
    scene: &Scene<'_>,
    out: W,
    is_page: bool,
    stop: &'static AtomicBool,
) -> Result<(W, Converted), Failure> {
    let mut out = out;
    let timeline = scene.timeline;
    let folding = scene.time.idle.map(|idle| timeline.folding(idle));
    let folding = folding.unwrap_or_default();
    let clock = Clock {
        start: folding.folded(scene.from),
        folding,
        speed: scene.time.speed,
    };
    let interval = (1e6 / RATE * scene.time.speed) as Micros;
    let reading = |error| failure(error, scene.cast, stop);
    let stopped = || {
        let name = shown(scene.cast);
        Failure::stopped(format!("{name}: stopped; nothing was written"))
    };
    let writing = |error| match stop.load(Ordering::Relaxed) {
        true => stopped(),
        false => writing(error),
    };
    let mut frames = timeline
        .frames(scene.from, scene.until, interval)
        .map_err(reading)?;
    let duration = clock.at(scene.until) + LAST;
    let header = timeline.header();
    let title = header.title.as_deref().unwrap_or_default();
    let theme = Theme::of(header);
    if is_page {
        Page::start(&mut out, title, &theme).map_err(writing)?;
    }
    let size = largest(scene, &frames);
    let mut picture = Animation::new(out, size, title, &theme, duration).map_err(writing)?;
    picture.show(0, frames.screen()).map_err(writing)?;
    let mut converted = Converted {
        events: 1,
        duration: clock.at(scene.until),
    };
    let mut seen = frames.offset();
    let mut progress = Progress::new(
        timeline
            .length()
            .ok()
            .map(|length| length - seen.min(length)),
    );
    while let Some(frame) = frames.next().map_err(reading)? {
        if stop.load(Ordering::Relaxed) {
            return Err(stopped());
        }
        let time = clock.at(frame.time);
        picture.show(time, frames.screen()).map_err(writing)?;
        converted.events += 1;
        progress.advance(frames.offset() - seen);
        seen = frames.offset();
    }
    drop(progress);
    let mut out = picture.finish().map_err(writing)?;
    if is_page {
        let inside = |marker: &&Marker| (scene.from..=scene.until).contains(&marker.time);
        let markers: Vec<Marker> = scene
            .markers
            .iter()
            .filter(inside)
            .map(|marker| Marker {
                time: clock.at(marker.time),
                label: marker.label.clone(),
            })
            .collect();
        Page::finish(&mut out, duration, &markers).map_err(writing)?;
    }
    Ok((out, converted))
}

/// The most columns and the most rows that the scene has.
fn largest(scene: &Scene<'_>, frames: &Frames) -> (u16, u16) {
    let (mut columns, mut rows) = frames.screen().size();
    for resize in scene.timeline.resizes() {
        if (scene.from..=scene.until).contains(&resize.time) {
            columns = columns.max(resize.columns);
            rows = rows.max(resize.rows);
        }
    }
    (columns.min(scene.most.0), rows.min(scene.most.1))
}

fn writing(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::new(error),
        _ => Failure::usage(format!("cannot write the picture: {error}")),
    }
}
