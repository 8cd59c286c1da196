//! The settings: what there is, what each one means and which values it takes.
//!
//! `schema` makes the types from one list, `load` reads file and environment,
//! `show` prints settings as a file that explains itself. A new setting is one
//! entry in the list below, and one row in README's table.

mod auto;
mod limits;
mod load;
mod patterns;
mod schema;
mod show;
mod table;

use std::env;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

pub use auto::{AutoRecord, AutoRule, Pattern};
pub use limits::{ByteLimit, Period};
pub use load::{Error, Loaded, Origin};
pub use patterns::Patterns;
pub use schema::{Entry, Level, Value};

schema::settings! {
    /// Where recordings go.
    output: Output {
        /// The folder of all recordings: an absolute path, `~` is the home folder.
        directory: String = "~/Videos/tmux".into(), whole_path;
        /// The subfolder of a recording, as strftime writes it; may be empty.
        date_format: String = "%Y-%m".into(), stays_below;
    }
    /// The daemon and its HTTP API.
    server: Server {
        /// TCP port of the HTTP API on the loopback interface; 0 takes any that
        /// is free.
        port: u16 = 21590, any;
        /// Whether `tvmux rec` starts the daemon when none runs.
        auto_start: bool = true, any;
        /// Whether the daemon that `tvmux rec` started ends after the last
        /// recording.
        auto_shutdown: bool = true, any;
        /// Whether TCP clients must show the token.
        auth: bool = true, any;
    }
    /// How the daemon records.
    recording: Recording {
        /// Whether a cast is checked, and repaired if need be, when its
        /// recording ends.
        repair_on_stop: bool = true, any;
        /// Whether a recording goes along when another pane becomes active.
        follow_active_pane: bool = true, any;
        /// Longest time that captured output stays in memory, in milliseconds:
        /// 1 to 60000.
        flush_interval_ms: u64 = 100, between(1, 60_000);
        /// Longest time that written output stays unsynced, in milliseconds:
        /// 1 to 3600000, not below `flush_interval_ms`.
        sync_interval_ms: u64 = 1000, between(1, 3_600_000);
        /// Memory bound of one recording for output that the disk does not
        /// take, in bytes: 1048576 (1 MiB) to 4294967296 (4 GiB).
        max_buffer_bytes: u64 = 16 << 20, between(1 << 20, 4 << 30);
        /// Memory bound of one pane's pipe process for output that no daemon
        /// reads, in bytes: 65536 (64 KiB) to 4294967296 (4 GiB).
        max_held_bytes: u64 = 16 << 20, between(64 << 10, 4 << 30);
        /// How long a recording writes to one cast before it goes on in the next,
        /// such as `1d`; `off` for always in one.
        rotate_every: Period = Period(None), any;
        /// Bytes of a cast after which its recording goes on in the next, such as
        /// `2GB`, at least `64KiB`; `off` for always in one.
        rotate_size: ByteLimit = ByteLimit(None), no_less(64 << 10);
        /// How much is kept of what a rule records as `"flashback"`, such as `15m`.
        flashback: Period = Period(Some(Duration::from_secs(900))), not_off;
        /// Disk bound of one flashback recording in bytes, such as `512MB`, at
        /// least `1MiB`: the oldest goes first.
        flashback_max_size: ByteLimit = ByteLimit(Some(512_000_000)), some_no_less(1 << 20);
        /// Commands during which nothing is recorded, such as `["pass *", "gpg*"]`:
        /// what the pane's foreground program was called with, its own name without
        /// a folder; `*` and `?` stand for any text and any character.
        pause_on: Patterns = Patterns::default(), any;
        /// Whether nothing is recorded while the pane's terminal hides the line
        /// that is typed, as for passwords.
        pause_on_no_echo: bool = false, any;
    }
    /// What is noted beside the output.
    annotations: Annotations {
        /// Whether snapshots restore if the cursor is shown, and its look; its
        /// position always.
        include_cursor_state: bool = true, any;
    }
    /// What the daemon logs.
    logging: Logging {
        /// `ERROR`, `WARNING`, `INFO` or `DEBUG`; each one logs what those
        /// before it do.
        level: Level = Level::Info, any;
    }
    /// How tmux is run.
    tmux: Tmux {
        /// The program: a name looked up in `$PATH`, or a path.
        command: String = "tmux".into(), not_empty;
        /// Whether the daemon asks a tmux server that it knows (releases 3.2 to
        /// 3.7) over the server's own socket where it only reads; else, and
        /// for all others, through a tmux client.
        direct_queries: bool = true, any;
    }
    /// The keys of `tvmux init tmux`, behind tmux's prefix; empty for none.
    keys: Keys {
        /// Records the window, or ends its recording.
        record: String = "R".into(), key;
        /// Asks for a label, and marks the recording of the window.
        mark: String = "M".into(), key;
        /// Pauses the recording of the window, or goes on with it.
        pause: String = "P".into(), key;
        /// Searches in what was shown.
        search: String = "/".into(), key;
        /// Shows the window as it was a minute ago.
        play: String = "V".into(), key;
        /// Saves the last minutes of the window, where only those are kept.
        save: String = "S".into(), key;
    }
    /// The catalogue of casts, and the search in them.
    archive: Archive {
        /// Folders with casts beside `output.directory`, absolute or with `~`;
        /// separated by `:`.
        directories: String = String::new(), whole_paths;
        /// Whether the daemon starts `tvmux archive update`, at low priority, when
        /// a recording ends, and from time to time while one runs.
        auto_update: bool = true, any;
        /// Least time between two of these while recordings run, in milliseconds:
        /// 1000 to 86400000 (a day).
        update_interval_ms: u64 = 300_000, between(1000, 86_400_000);
        /// How long after its end a cast is compressed, such as `1d`; `off` for
        /// never.
        compress_after: Period = Period(None), any;
        /// How long a cast is kept after its end, such as `365d`; `off` forever.
        keep: Period = Period(None), any;
        /// Bytes of all casts at most, such as `50GB`: the oldest go; `off` for no
        /// limit.
        max_size: ByteLimit = ByteLimit(None), any;
        /// Bytes that stay free where casts are, such as `5GB`: the oldest go;
        /// `off` for no limit.
        min_free: ByteLimit = ByteLimit(None), any;
        /// Sessions whose casts are kept forever: names with `*` and `?`,
        /// separated by `|`.
        keep_sessions: String = String::new(), any;
        /// Titles of casts that are kept forever, in the same way.
        keep_titles: String = String::new(), any;
    }
}

/// The folder below that of casts where flashback recordings are, which are none yet.
pub const FLASHBACK_FOLDER: &str = ".flashback";

/// Keys of the Python program that have no effect.
const OBSOLETE: [(&str, &str); 2] = [
    ("logging", "include_access_logs"),
    ("logging", "client_log_file"),
];

fn any<T>(_: &T) -> Result<(), String> {
    Ok(())
}

/// A key as tmux writes it, such as `R`, `M-r` or `F5`; of no character that means
/// more to tmux or to a shell.
fn key(name: &String) -> Result<(), String> {
    let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"-_./:@+,=!?*<>|^&~".contains(&b);
    match name.len() <= 16 && name.bytes().all(is_safe) {
        true => Ok(()),
        false => Err(format!(
            "`{name}` is no key that can be bound, such as `R` or `M-r`"
        )),
    }
}

fn not_empty(text: &impl AsRef<str>) -> Result<(), String> {
    match text.as_ref().is_empty() {
        true => Err("must not be empty".into()),
        false => Ok(()),
    }
}

/// A folder that is the same wherever the daemon runs.
fn whole_path(path: &String) -> Result<(), String> {
    match expand_home(path).is_absolute() {
        true => Ok(()),
        false => Err(format!("`{path}` must begin with `/` or `~/`")),
    }
}

fn whole_paths(paths: &impl AsRef<str>) -> Result<(), String> {
    let mut paths = paths.as_ref().split(':').filter(|path| !path.is_empty());
    paths.try_for_each(|path| whole_path(&path.to_owned()))
}

fn between(least: u64, most: u64) -> impl Fn(&u64) -> Result<(), String> {
    move |number| match (least..=most).contains(number) {
        true => Ok(()),
        false => Err(format!("must be {least} to {most}, not {number}")),
    }
}

fn no_less(least: u64) -> impl Fn(&ByteLimit) -> Result<(), String> {
    move |limit| match limit.0 {
        Some(bytes) if bytes < least => Err(format!("must be at least {}", ByteLimit(Some(least)))),
        _ => Ok(()),
    }
}

fn not_off(period: &Period) -> Result<(), String> {
    match period.0 {
        Some(_) => Ok(()),
        None => Err("must not be off".into()),
    }
}

fn some_no_less(least: u64) -> impl Fn(&ByteLimit) -> Result<(), String> {
    move |limit| match limit.0 {
        Some(_) => no_less(least)(limit),
        None => Err("must not be off".into()),
    }
}

/// A strftime format whose folder is below that of all recordings.
fn stays_below(format: &String) -> Result<(), String> {
    let Ok(folder) = jiff::fmt::strtime::format(format, &jiff::Zoned::now()) else {
        return Err(format!("`{format}` is no strftime format"));
    };
    let is_below = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    match Path::new(&folder).components().all(is_below) {
        true => Ok(()),
        false => Err(format!(
            "`{format}` leaves the folder of `output.directory`; it must have neither `..` nor a \
             leading `/`"
        )),
    }
}

impl Config {
    /// The settings that have another value in `other`, as `section.key`.
    #[must_use]
    pub fn differences(&self, other: &Config) -> Vec<String> {
        let pairs = self.entries().into_iter().zip(other.entries());
        let rules = (self.auto != other.auto).then(|| "auto".to_owned());
        pairs
            .filter(|(mine, theirs)| mine.value != theirs.value)
            .map(|(mine, _)| mine.name())
            .chain(rules)
            .collect()
    }

    /// What no setting alone can tell: the key to blame, of those that
    /// contradict each other the one that `was_set`.
    fn contradiction(
        &self,
        was_set: impl Fn(&str, &str) -> bool,
    ) -> Option<(&'static str, &'static str, String)> {
        let Recording {
            flush_interval_ms: flush,
            sync_interval_ms: sync,
            ..
        } = self.recording;
        if sync >= flush {
            return None;
        }
        Some(match was_set("recording", "sync_interval_ms") {
            true => (
                "recording",
                "sync_interval_ms",
                format!("must not be below flush_interval_ms ({flush}), but is {sync}"),
            ),
            false => (
                "recording",
                "flush_interval_ms",
                format!("must not be above sync_interval_ms ({sync}), but is {flush}"),
            ),
        })
    }
}

impl Recording {
    /// [`Recording::flush_interval_ms`] as a duration.
    #[must_use]
    pub fn flush_interval(&self) -> Duration {
        Duration::from_millis(self.flush_interval_ms)
    }

    /// [`Recording::flashback`] as a duration.
    #[must_use]
    pub fn flashback_length(&self) -> Duration {
        self.flashback.0.unwrap_or_default()
    }

    /// [`Recording::flashback_max_size`] in bytes.
    #[must_use]
    pub fn flashback_bytes(&self) -> u64 {
        self.flashback_max_size.0.unwrap_or_default()
    }

    /// [`Recording::sync_interval_ms`] as a duration.
    #[must_use]
    pub fn sync_interval(&self) -> Duration {
        Duration::from_millis(self.sync_interval_ms)
    }
}

impl Output {
    /// The folder with `~` expanded.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        expand_home(&self.directory)
    }
}

impl Config {
    /// The folders whose casts are known to the archive, with `~` expanded.
    #[must_use]
    pub fn cast_folders(&self) -> Vec<PathBuf> {
        let more = self.archive.directories.split(':');
        let more = more.filter(|path| !path.is_empty()).map(expand_home);
        std::iter::once(self.output.directory())
            .chain(more)
            .collect()
    }

    /// Variables with which another process of this program knows the same casts.
    #[must_use]
    pub fn archive_variables(&self) -> Vec<(String, OsString)> {
        let settings = self.entries().into_iter();
        let mut all: Vec<(String, OsString)> = settings
            .filter(|entry| entry.section == "archive")
            .map(|entry| {
                let name = variable_name(entry.section, entry.key);
                (name, entry.value.to_text().into())
            })
            .collect();
        let folder = self.output.directory().into_os_string();
        all.push((variable_name("output", "directory"), folder));
        all
    }
}

/// The environment variable that sets a key.
#[must_use]
pub fn variable_name(section: &str, key: &str) -> String {
    format!("TVMUX_{section}_{key}").to_uppercase()
}

/// `path` with a leading `~` replaced by the home folder.
#[must_use]
pub fn expand_home(path: &str) -> PathBuf {
    let Some(rest) = path.strip_prefix('~') else {
        return PathBuf::from(path);
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        return PathBuf::from(path);
    }
    match env::home_dir() {
        Some(home) => home.join(rest.trim_start_matches('/')),
        None => PathBuf::from(path),
    }
}
