//! What help texts have beside the arguments: examples, and the verbs in
//! groups.

use std::fmt::Write as _;

use anstyle::Style;
use clap::Command;

/// Verbs by purpose. One that is in no group is shown last.
const GROUPS: [(&str, &[&str]); 7] = [
    ("Record", &["rec", "auto"]),
    ("Look", &["play", "web", "screenshot", "cat", "convert"]),
    ("Find", &["ls", "pick", "show", "search", "commands"]),
    ("Keep", &["rm", "archive", "validate", "repair"]),
    ("Workspaces", &["load", "freeze", "workspace"]),
    ("Server", &["server", "api"]),
    ("Setup", &["config", "init", "completions"]),
];

/// The examples that end a command's help: each a line to type and what it
/// does.
const EXAMPLES: &[(&str, &[(&str, &str)])] = &[
    (
        "",
        &[
            ("tvmux rec", "record this tmux window"),
            ("tvmux rec -- make test", "record a command"),
            ("tvmux play day.cast", "look at a recording, at any moment"),
            ("tvmux search 'connection refused'", "where that was seen"),
            ("tvmux load work", "build a session from a workspace file"),
        ],
    ),
    (
        "rec",
        &[
            ("tvmux rec", "record this window"),
            (
                "tvmux rec -t work:editor -o ~/casts",
                "record another one, elsewhere",
            ),
            (
                "tvmux rec -- make test",
                "record a command in this terminal, exit with its status",
            ),
            (
                "tvmux rec --headless --size 120x40 -- ./demo.sh",
                "record one that shows nothing here",
            ),
        ],
    ),
    (
        "rec start",
        &[
            (
                "tvmux rec start -t @3 --title 'release day'",
                "record window @3",
            ),
            ("tvmux rec start --no-follow --json", "stay on this pane"),
        ],
    ),
    (
        "rec ls",
        &[
            ("tvmux rec ls", "what is recorded, and how it is"),
            (
                "tvmux rec ls -q | xargs tvmux rec stop",
                "end each by its id",
            ),
        ],
    ),
    (
        "rec stop",
        &[
            ("tvmux rec stop", "end all recordings"),
            ("tvmux rec stop main:@3", "end one"),
        ],
    ),
    (
        "rec mark",
        &[
            (
                "tvmux rec mark 'it worked'",
                "mark the recording of this window",
            ),
            (
                "tvmux rec mark --at -30s 'it broke'",
                "the moment just missed",
            ),
            ("tvmux rec mark -t main:@3 deploy", "mark another one"),
        ],
    ),
    (
        "rec note",
        &[(
            "tvmux rec note 'the old key still works'",
            "note something; `tvmux search` finds it",
        )],
    ),
    (
        "rec title",
        &[
            ("tvmux rec title 'release day'", "call this recording so"),
            ("tvmux rec title -t main:@3 deploy", "another one"),
        ],
    ),
    (
        "rec pause",
        &[
            ("tvmux rec pause", "record nothing, of any window"),
            (
                "tvmux rec pause main:@3 --for 5m",
                "one, and go on by itself",
            ),
        ],
    ),
    (
        "rec resume",
        &[
            ("tvmux rec resume", "go on with all that is paused"),
            ("tvmux rec resume @3", "go on with one"),
        ],
    ),
    (
        "auto",
        &[
            ("tvmux auto on", "record by the rules of the configuration"),
            ("tvmux auto test main:editor", "which rule a window fits"),
        ],
    ),
    (
        "auto on",
        &[
            ("tvmux auto on", "on this tmux server, and the default one"),
            ("tvmux auto on -S /tmp/work.sock", "on another one, too"),
        ],
    ),
    (
        "auto off",
        &[
            ("tvmux auto off", "nothing more is begun"),
            ("tvmux auto off && tvmux rec stop", "and what runs is ended"),
        ],
    ),
    (
        "auto status",
        &[
            ("tvmux auto status", "whether rules are followed, and where"),
            ("tvmux auto status --quiet || tvmux auto on", "in a script"),
        ],
    ),
    (
        "auto test",
        &[
            ("tvmux auto test", "which rule this window fits, and why"),
            (
                "tvmux auto test @3 --json",
                "the same of another, for programs",
            ),
        ],
    ),
    (
        "rec save",
        &[
            (
                "tvmux rec save",
                "save the last minutes of this window, and keep the next ones",
            ),
            (
                "tvmux rec save main:@3 --continue",
                "save those of another, and keep all from here on",
            ),
        ],
    ),
    (
        "web",
        &[
            ("tvmux web", "open the page, or print an address for it"),
            (
                "tvmux web --control",
                "a page that may also start, mark and stop recordings",
            ),
            (
                "ssh -L 21591:127.0.0.1:21591 host tvmux web",
                "of another machine, here: the same port on both sides",
            ),
        ],
    ),
    (
        "play",
        &[
            (
                "tvmux play day.cast",
                "space, arrows, / and the mouse; h shows the keys",
            ),
            (
                "tvmux play day.cast --at 14:05 --idle 2",
                "from five past two on, pauses of two seconds at most",
            ),
            ("tvmux play @3", "what window @3 shows, as it is recorded"),
            ("ssh host cat day.cast | tvmux play -", "from a pipe"),
        ],
    ),
    (
        "screenshot",
        &[
            ("tvmux screenshot day.cast --at 1:23:45", "print a screen"),
            (
                "tvmux screenshot main:@3 --at -10s -o screen.svg",
                "a picture of what a running recording showed 10 s ago",
            ),
            (
                "tvmux screenshot day.cast --at deploy --format json",
                "the screen at a marker, for programs",
            ),
        ],
    ),
    (
        "validate",
        &[
            ("tvmux validate demo.cast", "what is wrong with it"),
            (
                "tvmux validate --for player --json demo.cast",
                "for programs",
            ),
        ],
    ),
    (
        "repair",
        &[
            (
                "tvmux repair demo.cast",
                "in place; the original is demo.cast.backup",
            ),
            ("tvmux repair --dry-run *.cast", "say what would be done"),
            ("tvmux repair - -o good.cast < bad.cast", "from a pipe"),
        ],
    ),
    (
        "ls",
        &[
            ("tvmux ls", "all casts, the newest first"),
            (
                "tvmux ls --since mon --session work deploy",
                "of that session since Monday, with `deploy` in them",
            ),
            ("tvmux ls -q -n 1", "the path of the newest"),
        ],
    ),
    (
        "show",
        &[
            ("tvmux show @latest", "the newest cast"),
            (
                "tvmux show --json 2026-11-26_14",
                "by the start of its name, for programs",
            ),
        ],
    ),
    (
        "pick",
        &[
            ("tvmux pick", "all casts; type to narrow, Enter plays"),
            ("tvmux pick running", "what is being recorded, live"),
            ("tvmux pick hits", "search as you type, in what was shown"),
        ],
    ),
    (
        "search",
        &[
            (
                "tvmux search 'connection refused'",
                "where that was seen, and when",
            ),
            (
                "tvmux search -E 'error\\[E\\d+\\]' --since 3d -C 2",
                "a regular expression, with the lines around it",
            ),
            (
                "tvmux search --open needle",
                "play the newest hit from its moment on",
            ),
        ],
    ),
    (
        "commands",
        &[
            (
                "tvmux commands --failed --since today",
                "what went wrong today",
            ),
            (
                "tvmux commands --slow=60 make",
                "what took longer than a minute",
            ),
        ],
    ),
    (
        "commands show",
        &[
            ("tvmux commands show @latest:3", "what that command printed"),
            ("tvmux commands show --json 2026-11-26_14:3", "for programs"),
        ],
    ),
    (
        "init",
        &[
            ("eval \"$(tvmux init bash)\"", "at the end of ~/.bashrc"),
            (
                "tvmux init tmux > ~/.config/tvmux/tmux.conf",
                "for `source-file` at the end of ~/.tmux.conf",
            ),
        ],
    ),
    (
        "init bash",
        &[
            ("eval \"$(tvmux init bash)\"", "at the end of ~/.bashrc"),
            ("tvmux init bash | less", "what that is"),
        ],
    ),
    (
        "init zsh",
        &[
            ("eval \"$(tvmux init zsh)\"", "at the end of ~/.zshrc"),
            ("tvmux init zsh | less", "what that is"),
        ],
    ),
    (
        "init fish",
        &[
            (
                "tvmux init fish | source",
                "in ~/.config/fish/config.fish, before fish 4",
            ),
            ("tvmux init fish | less", "what that is"),
        ],
    ),
    (
        "init tmux",
        &[
            (
                "tvmux init tmux > ~/.config/tvmux/tmux.conf",
                "for `source-file` at the end of ~/.tmux.conf",
            ),
            (
                "tvmux init tmux | tmux source-file -",
                "at once, in the tmux that runs (3.2 and newer)",
            ),
            (
                "tvmux init tmux --remove | tmux source-file -",
                "take it out again",
            ),
        ],
    ),
    (
        "rm",
        &[
            ("tvmux rm @latest", "after a question"),
            (
                "tvmux ls -q --until 2025-12-31 | xargs -d '\\n' tvmux rm --yes",
                "all that is older",
            ),
        ],
    ),
    (
        "archive",
        &[
            ("tvmux archive status", "what is known, and what it takes"),
            ("tvmux archive update", "read what is new"),
        ],
    ),
    (
        "archive status",
        &[
            ("tvmux archive status", "for people"),
            ("tvmux archive status --json", "for programs"),
        ],
    ),
    (
        "archive update",
        &[
            ("tvmux archive update", "read what is new in the casts"),
            ("tvmux archive update --low-priority -q", "for cron"),
        ],
    ),
    (
        "archive rebuild",
        &[
            ("tvmux archive rebuild", "read all casts again"),
            ("tvmux archive rebuild --low-priority", "beside other work"),
        ],
    ),
    (
        "archive export",
        &[
            (
                "tvmux archive export -o commands.jsonl.zst",
                "all commands, and what they printed",
            ),
            (
                "tvmux archive export --failed --since 30d -o failed.csv",
                "those that failed, for a table",
            ),
            (
                "tvmux archive export --lines --session work --format text",
                "every line that was shown there",
            ),
        ],
    ),
    (
        "archive verify",
        &[
            ("tvmux archive verify", "check database and casts"),
            ("tvmux archive verify --json", "for programs"),
        ],
    ),
    (
        "archive prune",
        &[
            ("tvmux archive prune --dry-run", "what would go, and why"),
            ("tvmux archive prune -q", "for cron"),
        ],
    ),
    (
        "archive keep",
        &[
            (
                "tvmux archive keep @latest",
                "the newest cast stays forever",
            ),
            ("tvmux archive keep --not day", "it may go"),
        ],
    ),
    (
        "archive compress",
        &[
            ("tvmux archive compress @latest", "the newest cast"),
            ("tvmux archive compress ~/casts/*.cast", "many of them"),
        ],
    ),
    (
        "archive decompress",
        &[
            ("tvmux archive decompress day.cast.zst", "plain again"),
            ("tvmux archive decompress @latest -q", "without a word"),
        ],
    ),
    (
        "server",
        &[
            (
                "tvmux server status",
                "whether it runs, and where it listens",
            ),
            ("tvmux server stop", "finish all recordings and end it"),
        ],
    ),
    (
        "server reload",
        &[
            (
                "tvmux server reload",
                "after a change of the configuration file",
            ),
            (
                "tvmux server reload --json",
                "what has changed, for programs",
            ),
        ],
    ),
    (
        "server start",
        &[
            (
                "tvmux server start",
                "in the background; `tvmux rec` does it by itself",
            ),
            ("TVMUX_SERVER_PORT=0 tvmux server start", "on any free port"),
        ],
    ),
    (
        "server stop",
        &[
            ("tvmux server stop", "finish all recordings and end it"),
            (
                "tvmux rec stop && tvmux server stop",
                "hear first whether anything is missing",
            ),
        ],
    ),
    (
        "server restart",
        &[
            ("tvmux server restart", "after an upgrade"),
            (
                "tvmux server restart && tvmux rec ls",
                "see that all recordings go on",
            ),
        ],
    ),
    (
        "server unit",
        &[(
            "tvmux server unit >~/.config/systemd/user/tvmux.service",
            "let systemd supervise it too",
        )],
    ),
    (
        "server status",
        &[
            ("tvmux server status", "for people"),
            ("tvmux server status --json", "for programs"),
        ],
    ),
    (
        "server run",
        &[
            (
                "tvmux server run",
                "until Ctrl-C, the log on standard error",
            ),
            (
                "TVMUX_LOGGING_LEVEL=DEBUG tvmux server run",
                "with all that it does",
            ),
        ],
    ),
    (
        "api",
        &[
            ("tvmux api sessions list", "all sessions, as JSON"),
            (
                "tvmux api panes send-keys %0 --keys 'make'",
                "type into a pane",
            ),
        ],
    ),
    (
        "freeze",
        &[
            ("tvmux freeze", "print this session as a workspace file"),
            ("tvmux freeze work -o work.yaml", "another one, to a file"),
        ],
    ),
    (
        "workspace",
        &[
            ("tvmux workspace ls", "the files there are"),
            ("tvmux workspace edit work", "open one in $EDITOR"),
        ],
    ),
    (
        "workspace convert",
        &[
            ("tvmux workspace convert work.yaml", "to JSON"),
            (
                "tvmux workspace convert work.json -o work.yaml",
                "to a file",
            ),
        ],
    ),
    (
        "workspace import",
        &[
            (
                "tvmux workspace import tmuxinator project.yml",
                "print it as a workspace file",
            ),
            (
                "tvmux workspace import teamocil project.yml -o work.yaml",
                "to a file",
            ),
        ],
    ),
    (
        "workspace ls",
        &[
            ("tvmux workspace ls --tree", "with their windows and panes"),
            ("tvmux workspace ls --json", "for programs"),
        ],
    ),
    (
        "workspace search",
        &[
            ("tvmux workspace search vim", "files that name vim anywhere"),
            (
                "tvmux workspace search window:logs -i",
                "in window names, in either case",
            ),
        ],
    ),
    (
        "workspace edit",
        &[
            ("tvmux workspace edit work", "open work.yaml in $EDITOR"),
            ("EDITOR=nano tvmux workspace edit work", "in another editor"),
        ],
    ),
    (
        "workspace rm",
        &[
            ("tvmux workspace rm old", "after a question"),
            ("tvmux workspace rm -y old older", "without"),
        ],
    ),
    (
        "config",
        &[
            ("tvmux config show", "the settings in force"),
            (
                "tvmux config defaults > ~/.config/tvmux/config.toml",
                "a file to start from",
            ),
        ],
    ),
    (
        "config show",
        &[
            ("tvmux config show", "as a configuration file"),
            ("tvmux config show --json", "for programs"),
        ],
    ),
    (
        "config defaults",
        &[
            (
                "tvmux config defaults > ~/.config/tvmux/config.toml",
                "a file to start from",
            ),
            (
                "tvmux config defaults --format env",
                "as environment variables",
            ),
        ],
    ),
    (
        "completions",
        &[
            (
                "source <(tvmux completions bash)",
                "in ~/.bashrc; zsh alike in ~/.zshrc",
            ),
            (
                "tvmux completions fish | source",
                "in ~/.config/fish/config.fish",
            ),
        ],
    ),
];

/// Adds examples to every command's help, and groups to that of the program.
pub(super) fn decorate(command: Command) -> Command {
    let template = template(&command);
    with_examples(command, "").help_template(template)
}

fn with_examples(command: Command, path: &str) -> Command {
    let find = |path: &str| EXAMPLES.iter().find(|(known, _)| *known == path);
    // `workspace freeze` is `freeze`.
    let found = find(path).or_else(|| find(path.strip_prefix("workspace ")?));
    let mut command = match found {
        Some((_, examples)) => {
            let mut help = match command.get_after_help() {
                Some(help) => format!("{}\n\n", help.ansi()),
                None => String::new(),
            };
            write_examples(&mut help, examples);
            command.after_help(help)
        }
        None => command,
    };
    let names: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    for name in names {
        let path = format!("{path} {name}");
        command = command.mut_subcommand(name, |command| with_examples(command, path.trim_start()));
    }
    command
}

fn write_examples(help: &mut String, examples: &[(&str, &str)]) {
    let heading = Style::new().bold().underline();
    let _ = write!(help, "{heading}Examples:{heading:#}");
    for (line, what) in examples {
        let _ = write!(help, "\n  {line}\n      {what}");
    }
}

/// The program's help with its verbs in groups.
fn template(command: &Command) -> String {
    let (heading, bold) = (Style::new().bold().underline(), Style::new().bold());
    let verbs: Vec<&Command> = command
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set() && verb.get_name() != "help")
        .collect();
    let widest = verbs.iter().map(|verb| verb.get_name().len()).max();
    let widest = widest.unwrap_or(0);
    let mut text = "{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    let mut write_group = |title: &str, verbs: &mut dyn Iterator<Item = &&Command>| {
        let mut verbs = verbs.peekable();
        if verbs.peek().is_some() {
            let _ = write!(text, "\n{heading}{title}:{heading:#}\n");
        }
        for verb in verbs {
            let about = verb.get_about().map(ToString::to_string);
            let about = about.unwrap_or_default();
            let pad = widest - verb.get_name().len();
            let name = verb.get_name();
            let _ = writeln!(text, "  {bold}{name}{bold:#}{:pad$}  {about}", "");
        }
    };
    let is_in = |names: &[&str], verb: &&&Command| names.contains(&verb.get_name());
    for (title, names) in GROUPS {
        write_group(title, &mut verbs.iter().filter(|verb| is_in(names, verb)));
    }
    let in_none = |verb: &&&Command| !GROUPS.iter().any(|(_, names)| is_in(names, verb));
    write_group("Other", &mut verbs.iter().filter(in_none));
    let _ = write!(
        text,
        "\n{heading}Options:{heading:#}\n{{options}}{{after-help}}"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All commands that people may type, with their paths; those that
    /// `tvmux api` reads from the document apart.
    fn walk(command: &Command, path: &str, all: &mut Vec<(String, Command)>) {
        all.push((path.to_owned(), command.clone()));
        for verb in command.get_subcommands() {
            if path != "api" && verb.get_name() != "help" && !verb.is_hide_set() {
                let path = format!("{path} {}", verb.get_name());
                walk(verb, path.trim_start(), all);
            }
        }
    }

    #[test]
    fn every_help_text_ends_with_examples_that_work() {
        let program = super::super::command();
        let mut all = Vec::new();
        walk(&program, "", &mut all);
        for (path, command) in &all {
            let help = command.clone().render_long_help().to_string();
            let (_, examples) = help
                .split_once("Examples:\n")
                .unwrap_or_else(|| panic!("`tvmux {path} --help` has no examples"));
            assert!(examples.matches("tvmux").count() >= 2, "{path}: {help}");
        }
        for (path, examples) in EXAMPLES {
            assert!(all.iter().any(|(known, _)| known == path), "{path} is gone");
            for (line, _) in *examples {
                let at = line.find("tvmux ").unwrap_or_else(|| panic!("{line}"));
                let line = &line[at..];
                let end = line.find([')', '|', '>', '<', '&']).unwrap_or(line.len());
                let words = shell_words::split(&line[..end]).unwrap();
                if words[1] == "api" {
                    continue;
                }
                if let Err(error) = program.clone().try_get_matches_from(words) {
                    panic!("{line}: {error}");
                }
            }
        }
    }

    #[test]
    fn the_programs_help_has_each_verb_in_one_group() {
        let help = super::super::command().render_help().to_string();
        for (title, verbs) in GROUPS {
            let (_, group) = help.split_once(&format!("\n{title}:\n")).unwrap();
            let group = group.split("\n\n").next().unwrap();
            for verb in verbs {
                assert!(group.contains(&format!("  {verb} ")), "{verb}: {help}");
            }
        }
        assert!(!help.contains("Other:"), "{help}");
    }
}
