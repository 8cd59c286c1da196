//! `tvmux init tmux`: lines for tmux.conf.
//!
//! Each key runs `tvmux tmux-key`, which is told the window by its id. What somebody
//! types at the prompt for a marker goes into a window option, in which tmux runs and
//! expands nothing, and is read from there.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use crate::cli::tmux_key::{SAID, STATUS, preset, program};
use crate::cli::{Context, Outcome};
use crate::config::Keys;
use crate::shell::quote;
use crate::tmux::Batch;

/// Print the lines that give tmux keys and a status segment
///
/// `prefix R` records this window or ends that, `M` marks with a prompt, `P` pauses and
/// goes on, `/` searches in what was shown, `V` shows this window as it was a minute
/// ago, `S` saves its last minutes where only those are kept. In status-right stands how
/// the recording of the current window is: R it runs, P it is paused, B it is blind, S it
/// is suspended, and how many there are. The settings `[keys]` name others; a key that is
/// taken is left alone. Reading the lines again changes nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Bind the keys also where they are taken.
    #[arg(long)]
    force: bool,

    /// Print the lines that take all of it out again.
    #[arg(long, conflicts_with = "force")]
    remove: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    let program = program()?;
    let lines = match args.remove {
        true => removing(&context.config.keys, &program),
        false => installing(&context.config.keys, &program, args.force),
    };
    anstream::print!("{lines}");
    Ok(ExitCode::SUCCESS)
}

/// The keys that are wanted, with what they do.
fn wanted(keys: &Keys) -> impl Iterator<Item = (&str, &'static str)> {
    let all = [
        (keys.record.as_str(), "record"),
        (keys.mark.as_str(), "mark"),
        (keys.pause.as_str(), "pause"),
        (keys.search.as_str(), "search"),
        (keys.play.as_str(), "play"),
        (keys.save.as_str(), "save"),
    ];
    all.into_iter().filter(|(key, _)| !key.is_empty())
}

fn installing(keys: &Keys, program: &Path, force: bool) -> String {
    let mut text =
        "# tvmux: keys and a status segment. `tvmux init tmux` prints this.\n".to_owned();
    for (key, verb) in wanted(keys) {
        let bind = bind(key, verb, program);
        let line = match force {
            true => bind,
            false => if_key("free", key, program, &bind),
        };
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(
        text,
        "{}",
        Batch::of(["set-option", "-g", STATUS, &segment()])
    );
    let show = format!("##{{E:{STATUS}}}#{{status-right}}");
    let show = Batch::of(["set-option", "-gF", "status-right", &show]);
    let is_missing = format!("#{{?#{{m:*{STATUS}*,#{{status-right}}}},,1}}");
    let _ = writeln!(text, "{}", if_format(&is_missing, &show));
    // The clock would be cut off.
    let wider = Batch::of(["set-option", "-g", "status-right-length", "60"]);
    let is_default = "#{==:#{status-right-length},40}";
    let _ = writeln!(text, "{}", if_format(is_default, &wider));
    let _ = writeln!(text, "{}", auto("on", program));
    text
}

fn removing(keys: &Keys, program: &Path) -> String {
    let mut text = "# Takes out what `tvmux init tmux` has put into tmux.\n".to_owned();
    for (key, _) in wanted(keys) {
        let mut back = Batch::of(["unbind-key", key]);
        if let Some(preset) = preset(key) {
            let before = preset.command.iter().copied();
            let bind = Batch::of(["bind-key", key].into_iter().chain(before));
            let ask = ask("preset", key, program);
            back.push(["if-shell", &ask, &bind.to_string()]);
        }
        let _ = writeln!(text, "{}", if_key("ours", key, program, &back));
    }
    let unstatus = format!("{} tmux-key unstatus", quote_path(program));
    let _ = writeln!(text, "{}", Batch::of(["run-shell", &unstatus]));
    let _ = writeln!(text, "{}", Batch::of(["set-option", "-gu", STATUS]));
    let narrower = Batch::of(["set-option", "-g", "status-right-length", "40"]);
    let is_ours = "#{==:#{status-right-length},60}";
    let _ = writeln!(text, "{}", if_format(is_ours, &narrower));
    let _ = writeln!(text, "{}", auto("off", program));
    text
}

fn quote_path(program: &Path) -> String {
    quote(&program.to_string_lossy())
}

/// Binds a key to `tvmux tmux-key`, which is told where it was pressed.
fn bind(key: &str, verb: &str, program: &Path) -> Batch {
    let run = format!(
        "{} tmux-key {verb} -w #{{window_id}} -S #{{q:socket_path}} -c #{{q:client_name}}",
        quote_path(program)
    );
    let run = ["run-shell", "-b", &run];
    if verb != "mark" {
        return Batch::of(["bind-key", key].into_iter().chain(run));
    }
    // `%%%` is what is typed, with a backslash before what ends double quotes or is
    // more than itself in them.
    let said = format!("set-option -w {SAID} \"%%%\" ; {}", Batch::of(run));
    Batch::of(["bind-key", key, "command-prompt", "-p", "mark:", &said])
}

/// Runs a batch if a key is so, which tmux cannot tell by itself.
fn if_key(so: &str, key: &str, program: &Path, then: &Batch) -> Batch {
    Batch::of(["if-shell", &ask(so, key, program), &then.to_string()])
}

fn ask(so: &str, key: &str, program: &Path) -> String {
    format!("{} tmux-key {so} {}", quote_path(program), quote(key))
}

fn if_format(format: &str, then: &Batch) -> Batch {
    Batch::of(["if-shell", "-F", format, &then.to_string()])
}

/// Has the rules of the configuration followed, or no longer.
fn auto(so: &str, program: &Path) -> Batch {
    let run = format!(
        "{} auto {so} --quiet >/dev/null 2>&1 || true",
        quote_path(program)
    );
    Batch::of(["run-shell", "-b", &run])
}

/// A letter in a colour of its own for how the recording of the current window is, and
/// how many windows are recorded (from tmux 3.1 on).
fn segment() -> String {
    let state = "#{@tvmux_recording}";
    let is = |name: &str| format!("#{{==:{state},{name}}}");
    // On a ground of its own: the line may have any colour.
    let letter = |ground: &str, text: &str, letter: &str| {
        format!("#[bg={ground}]#[fg={text}]{letter}#[default]")
    };
    let count = "#{n:#{S:#{W:#{?@tvmux_recording,x,}}}}";
    let shown = [
        ("paused", ("yellow", "black"), "P"),
        ("blind", ("magenta", "white"), "B"),
        ("suspended", ("cyan", "black"), "S"),
    ];
    let running = letter("red", "white", "R");
    let here = shown.iter().rev().fold(running, |others, shown| {
        let (name, (ground, text), of) = shown;
        format!("#{{?{},{},{others}}}", is(name), letter(ground, text, of))
    });
    let here = format!("#{{?@tvmux_recording,{here},}}");
    let any = "#{S:#{W:#{?@tvmux_recording,x,}}}";
    format!("#{{?{any},{here}{count} ,}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_not_wanted_has_no_line() {
        let keys = Keys {
            record: "C-r".to_owned(),
            mark: String::new(),
            ..Keys::default()
        };
        let text = installing(&keys, Path::new("/bin/tvmux"), false);
        assert!(!text.contains("tmux-key mark"));
        assert!(text.contains("tmux-key free C-r'"), "{text}");
        let text = installing(&keys, Path::new("/bin/tvmux"), true);
        assert!(text.contains("\nbind-key V run-shell -b "), "{text}");
        assert!(!text.contains("free"));
    }
}
