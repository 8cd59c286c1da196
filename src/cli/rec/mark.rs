//! `tvmux rec mark`, `tvmux rec note` and `tvmux rec title`.

use std::process::ExitCode;

use clap::builder::NonEmptyStringValueParser;

use super::which::Target;
use crate::api::{MarkerCreate, NoteCreate, Recording, RecordingUpdate, State};
use crate::cli::background::{self, hint_start};
use crate::cli::table::{duration, printable};
use crate::cli::{Context, Outcome};
use crate::timeline::Moment;

#[derive(Debug, clap::Args)]
pub(super) struct MarkArgs {
    /// What the marker is called.
    #[arg(default_value = "")]
    label: String,

    /// The moment that it names, before this one: -30s, -1m30s or -1:30.
    #[arg(long, value_name = "-TIME", allow_hyphen_values = true, value_parser = ago)]
    at: Option<f64>,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    said: Said,
}

/// It is found by `tvmux search`, as what was shown is.
#[derive(Debug, clap::Args)]
pub(super) struct NoteArgs {
    /// What is noted, for this moment.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    text: String,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    said: Said,
}

/// A marker and the catalogue have it at once, the cast's header at the end.
#[derive(Debug, clap::Args)]
pub(super) struct TitleArgs {
    /// The cast's title from now on.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    title: String,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    said: Said,
}

#[derive(Debug, clap::Args)]
struct Said {
    /// Only the recording's id.
    #[arg(short, long)]
    quiet: bool,

    /// The recording as JSON.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
}

/// Seconds.
fn ago(text: &str) -> Result<f64, String> {
    match text.parse()? {
        Moment::FromEnd(micros) => Ok(micros as f64 / 1e6),
        _ => Err("a time before now is wanted, such as -30s".to_owned()),
    }
}

pub(super) async fn mark(context: &Context, args: &MarkArgs) -> Outcome {
    let mut client = background::client().await.map_err(hint_start)?;
    let id = args.target.id(context, &mut client).await?;
    let marker = MarkerCreate {
        label: args.label.clone(),
        ago: args.at,
    };
    let recording = client.mark(&id, &marker).await?;
    let at = (recording.duration - args.at.unwrap_or(0.0)).max(0.0);
    args.said
        .say(&recording, |id| format!("Marked {id} at {}", duration(at)))
}

pub(super) async fn note(context: &Context, args: &NoteArgs) -> Outcome {
    let mut client = background::client().await.map_err(hint_start)?;
    let id = args.target.id(context, &mut client).await?;
    let text = args.text.clone();
    let recording = client.note(&id, &NoteCreate { text }).await?;
    let at = duration(recording.duration);
    args.said
        .say(&recording, |id| format!("Noted in {id} at {at}"))
}

pub(super) async fn title(context: &Context, args: &TitleArgs) -> Outcome {
    let mut client = background::client().await.map_err(hint_start)?;
    let id = args.target.id(context, &mut client).await?;
    let title = args.title.clone();
    let recording = client
        .update_recording(&id, &RecordingUpdate { title })
        .await?;
    let title = printable(&args.title);
    args.said
        .say(&recording, |id| format!("{id} is called {title} now"))
}

impl Said {
    /// Says what has become of a recording, which is given its id.
    fn say(&self, recording: &Recording, said: impl Fn(&str) -> String) -> Outcome {
        if recording.state == State::Suspended {
            let reason = recording.reason.as_deref().unwrap_or("it is suspended");
            crate::cli::warn(&format!(
                "the cast takes nothing at present ({}): the marker is written once it does",
                printable(reason)
            ));
        }
        let id = printable(&recording.id);
        match (self.json, self.quiet) {
            (true, _) => anstream::println!("{}", serde_json::to_string(recording)?),
            (false, true) => anstream::println!("{id}"),
            (false, false) => anstream::println!("{}", said(&id)),
        }
        Ok(ExitCode::SUCCESS)
    }
}
