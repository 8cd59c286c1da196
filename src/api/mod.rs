//! What goes over the wire between the daemon and its clients.
//!
//! One type for each request and reply, shared by both sides. Names and fields
//! are those of the Python program's HTTP API; there are additions. Knows no
//! HTTP library.

mod error;
mod recording;
mod server;

pub use error::ErrorBody;
pub use recording::{
    MarkerCreate, Recording, RecordingCreate, RecordingStopped, State, StoppedStatus,
};
pub use server::{ServerInfo, ServerStatus, VersionInfo};
