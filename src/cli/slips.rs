//! Verbs that people type from habit, and what they mean here.

use clap::Command;

use super::Failure;

/// What a slip of the tongue means: the words typed, and what to type.
const MEANT: [(&[&str], &str); 18] = [
    (
        &["stop"],
        "`tvmux rec stop` ends recordings, `tvmux server stop` the server",
    ),
    (
        &["start"],
        "`tvmux rec` starts a recording, and the server with it",
    ),
    (
        &["status"],
        "`tvmux rec ls` shows the recordings, `tvmux server status` the server",
    ),
    (&["record"], "`tvmux rec` records this window"),
    (&["mark"], "`tvmux rec mark` marks a recording"),
    (
        &["list"],
        "`tvmux ls` lists all casts, `tvmux rec ls` what is recorded",
    ),
    (&["find"], "`tvmux search` finds what was on a screen"),
    (&["grep"], "`tvmux search` finds what was on a screen"),
    (&["history"], "`tvmux commands` lists what was run"),
    (&["ps"], "`tvmux rec ls` shows the recordings"),
    (
        &["run"],
        "`tvmux rec -- COMMAND` records a command, `tvmux server run` is the server",
    ),
    (
        &["import"],
        "`tvmux workspace import` translates files of other session managers",
    ),
    (&["rec", "list"], "`tvmux rec ls`"),
    (&["rec", "status"], "`tvmux rec ls`"),
    (&["rec", "ps"], "`tvmux rec ls`"),
    (&["rec", "end"], "`tvmux rec stop`"),
    (&["rec", "marker"], "`tvmux rec mark`"),
    (&["server", "ls"], "`tvmux rec ls`"),
];

/// Says what was meant, when the words after the program's name are a verb that
/// `command` does not have.
pub(super) fn explain(command: &Command, words: &[String]) -> Option<Failure> {
    let verbs: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .take_while(|word| !word.starts_with('-'))
        .collect();
    let (known, unknown) = split(command, &verbs)?;
    let error = match known {
        [] => format!("tvmux has no command `{unknown}`"),
        known => format!("`tvmux {}` has no command `{unknown}`", known.join(" ")),
    };
    let typed = &verbs[..=known.len()];
    if let Some((_, meant)) = MEANT.iter().find(|(slip, _)| *slip == typed) {
        return Some(Failure::usage(error).hint(format!("did you mean this? {meant}")));
    }
    // A command to be recorded, its `--` forgotten.
    (known == ["rec"]).then(|| {
        let line = crate::shell::join(&words[1..]);
        Failure::usage(error).hint(format!("to record a command: `tvmux rec -- {line}`"))
    })
}

/// The verbs that there are, and the first word that is none.
fn split<'a, 'w>(command: &Command, verbs: &'a [&'w str]) -> Option<(&'a [&'w str], &'w str)> {
    let mut command = command;
    for (at, verb) in verbs.iter().enumerate() {
        match command.find_subcommand(verb) {
            Some(next) => command = next,
            None if command.has_subcommands() => return Some((&verbs[..at], verb)),
            None => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(line: &str) -> Option<String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        explain(&super::super::command(), &words).map(|failure| format!("{failure:?}"))
    }

    #[test]
    fn slips_are_explained() {
        for (line, meant) in [
            ("stop", "tvmux rec stop"),
            ("status", "tvmux server status"),
            ("rec list", "`tvmux rec ls`"),
            ("rec make test", "`tvmux rec -- make test`"),
            ("rec make -j 8", "`tvmux rec -- make -j 8`"),
        ] {
            let hint = hint(line).unwrap_or_else(|| panic!("{line} is not explained"));
            assert!(hint.contains(meant), "{line}: {hint}");
        }
    }

    #[test]
    fn what_is_right_is_no_slip() {
        for line in [
            "rec",
            "rec ls",
            "rec stop @3",
            "validate x.cast",
            "rec -- stop",
            "qqq",
        ] {
            assert!(hint(line).is_none(), "{line}");
        }
    }

    #[test]
    fn each_slip_is_still_one() {
        let command = super::super::command();
        for (words, _) in MEANT {
            let is_verb = split(&command, words);
            assert!(is_verb.is_some(), "{words:?} is a verb now");
        }
    }
}
