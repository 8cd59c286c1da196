//! What goes over the wire between the daemon and its clients.
//!
//! One type for each request and reply, shared by both sides. Names and fields
//! are those of the Python program's HTTP API; there are additions. Each type
//! carries its part of the OpenAPI document; the bounds that stand there are
//! held by [`Check`]. Knows no HTTP library.

mod auto;
mod cast;
mod check;
mod error;
mod event;
mod hook;
mod pane;
pub mod path;
mod position;
mod recording;
mod server;
mod session;
mod settings;
mod status;
mod window;

pub use auto::{
    Auto, AutoMismatch, AutoRecording, AutoRuleVerdict, AutoServer, AutoSwitch, AutoVerdict,
};
pub use cast::{Cast, CastFilter, CastState, SearchHit, SearchOrder, SearchQuery};
pub use check::Check;
pub use error::ErrorBody;
pub use event::{Event, EventKind, EventsAfter};
pub use hook::{
    CallbackDeleted, CallbackEvent, CallbackEventResponse, HookAction, HookCommand, HookConfig,
    HookCreate, HookDeleted, HookReceived, HookStatus, HookUpdate,
};
pub use pane::{
    CaptureRange, Direction, Pane, PaneAction, PaneCapture, PaneCreate, PaneDeleted, PaneFilter,
    PaneInput, PanePaste, PaneResize, PaneSendKeys, PaneSize, PaneWait, PaneWaited, Percent,
    WaitOutcome,
};
pub use position::{Position, PositionError};
pub use recording::{
    CommandRecording, CommandStarted, LONGEST_PAUSE, MarkerCreate, NoteCreate, Recording,
    RecordingCreate, RecordingFilter, RecordingPause, RecordingSave, RecordingSaved,
    RecordingStopped, RecordingUpdate, State, StoppedStatus,
};
pub use server::{ServerInfo, ServerStatus, SocketQuery, VersionInfo};
pub use session::{
    AttachCommand, Session, SessionAction, SessionCreate, SessionDeleted, SessionUpdate,
    SessionWindows, WindowReference,
};
pub use settings::{Settings, SettingsReloaded};
pub use status::{ActionStatus, DeletedStatus};
pub use window::{
    Layout, UnlinkFrom, Window, WindowAction, WindowCreate, WindowDeleted, WindowLink,
    WindowLinkCreate, WindowUpdate,
};
