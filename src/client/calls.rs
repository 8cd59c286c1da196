//! One method for each route.

use hyper::{Method, StatusCode};
use serde_json::Value;

use super::{Client, NONE, Result, segment};
use crate::api::{
    AttachCommand, Auto, AutoSwitch, AutoVerdict, CallbackDeleted, CallbackEvent,
    CallbackEventResponse, CaptureRange, Cast, CastFilter, CommandRecording, CommandStarted,
    HookConfig, HookCreate, HookDeleted, HookReceived, HookUpdate, MarkerCreate, NoteCreate, Pane,
    PaneAction, PaneCapture, PaneCreate, PaneDeleted, PaneFilter, PanePaste, PaneResize,
    PaneSendKeys, PaneWait, PaneWaited, Recording, RecordingCreate, RecordingPause, RecordingSave,
    RecordingSaved, RecordingStopped, RecordingUpdate, ServerInfo, Session, SessionAction,
    SessionCreate, SessionDeleted, SessionUpdate, SessionWindows, Settings, SettingsReloaded,
    UnlinkFrom, VersionInfo, Window, WindowAction, WindowCreate, WindowDeleted, WindowLinkCreate,
    WindowUpdate,
};

/// Writes a method that calls one route: its name, method and path, then what
/// goes into the path, the query and the body, and what comes back.
macro_rules! calls {
    ($($name:ident: $method:ident $path:literal
        $(, id: $id:ident)? $(, query: $query:ty)? $(, body: $body:ty)? => $reply:ty;)*) => {
        impl Client {
            $(
                #[doc = concat!("`", stringify!($method), " ", $path, "`")]
                ///
                /// # Errors
                /// As every call.
                pub async fn $name(
                    &mut self
                    $(, $id: &str)? $(, query: &$query)? $(, body: &$body)?
                ) -> Result<$reply> {
                    let path = $path.to_owned();
                    $(let path = path.replace("{id}", &segment($id)?);)?
                    let asked = NONE;
                    $(let asked: Option<&$query> = { let _ = asked; Some(query) };)?
                    let given = NONE;
                    $(let given: Option<&$body> = { let _ = given; Some(body) };)?
                    let (_, reply) = self.call(Method::$method, &path, asked, given).await?;
                    Ok(reply)
                }
            )*
        }
    };
}

calls! {
    info: GET "/" => ServerInfo;
    version: GET "/version" => VersionInfo;
    settings: GET "/settings" => Settings;
    reload_settings: POST "/settings/reload" => SettingsReloaded;
    openapi: GET "/openapi.json" => Value;
    sessions: GET "/sessions" => Vec<Session>;
    create_session: POST "/sessions", body: SessionCreate => Session;
    session: GET "/sessions/{id}", id: id => Session;
    update_session: PATCH "/sessions/{id}", id: id, body: SessionUpdate => Session;
    delete_session: DELETE "/sessions/{id}", id: id => SessionDeleted;
    attach_session: POST "/sessions/{id}/attach", id: id => AttachCommand;
    detach_session: POST "/sessions/{id}/detach", id: id => SessionAction;
    session_windows: GET "/sessions/{id}/windows", id: id => SessionWindows;
    windows: GET "/windows" => Vec<Window>;
    create_window: POST "/windows", body: WindowCreate => Window;
    window: GET "/windows/{id}", id: id => Window;
    update_window: PATCH "/windows/{id}", id: id, body: WindowUpdate => Window;
    delete_window: DELETE "/windows/{id}", id: id => WindowDeleted;
    select_window: POST "/windows/{id}/select", id: id => WindowAction;
    link_window: POST "/windows/{id}/link", id: id, query: WindowLinkCreate => WindowAction;
    unlink_window: POST "/windows/{id}/unlink", id: id, query: UnlinkFrom => WindowAction;
    window_panes: GET "/windows/{id}/panes", id: id => Vec<Pane>;
    panes: GET "/panes", query: PaneFilter => Vec<Pane>;
    create_pane: POST "/panes", body: PaneCreate => Pane;
    pane: GET "/panes/{id}", id: id => Pane;
    delete_pane: DELETE "/panes/{id}", id: id => PaneDeleted;
    select_pane: POST "/panes/{id}/select", id: id => PaneAction;
    resize_pane: POST "/panes/{id}/resize", id: id, body: PaneResize => PaneAction;
    send_keys: POST "/panes/{id}/send-keys", id: id, body: PaneSendKeys => PaneAction;
    paste: POST "/panes/{id}/paste", id: id, body: PanePaste => PaneAction;
    wait: POST "/panes/{id}/wait", id: id, body: PaneWait => PaneWaited;
    capture_pane: GET "/panes/{id}/capture", id: id, query: CaptureRange => PaneCapture;
    callbacks: GET "/callbacks" => Vec<CallbackEventResponse>;
    create_callback: POST "/callbacks", body: CallbackEvent => CallbackEventResponse;
    callback: GET "/callbacks/{id}", id: id => CallbackEventResponse;
    delete_callback: DELETE "/callbacks/{id}", id: id => CallbackDeleted;
    hooks: GET "/hooks" => Vec<HookConfig>;
    create_hook: POST "/hooks", body: HookCreate => HookConfig;
    hook: GET "/hooks/{id}", id: id => HookConfig;
    update_hook: PATCH "/hooks/{id}", id: id, body: HookUpdate => HookConfig;
    replace_hook: PUT "/hooks/{id}", id: id, body: HookUpdate => HookConfig;
    delete_hook: DELETE "/hooks/{id}", id: id => HookDeleted;
    receive_hook: POST "/hook", body: CallbackEvent => HookReceived;
    recordings: GET "/recordings" => Vec<Recording>;
    recording: GET "/recordings/{id}", id: id => Recording;
    update_recording: PATCH "/recordings/{id}", id: id, body: RecordingUpdate => Recording;
    stop_recording: DELETE "/recordings/{id}", id: id => RecordingStopped;
    record_command: POST "/commands", body: CommandRecording => CommandStarted;
    save_recording: POST "/recordings/{id}/save", id: id, body: RecordingSave => RecordingSaved;
    mark: POST "/recordings/{id}/markers", id: id, body: MarkerCreate => Recording;
    auto: GET "/auto" => Auto;
    set_auto: POST "/auto/switch", body: AutoSwitch => Auto;
    auto_window: GET "/auto/{id}", id: id => AutoVerdict;
    note: POST "/recordings/{id}/notes", id: id, body: NoteCreate => Recording;
    pause: POST "/recordings/{id}/pause", id: id, body: RecordingPause => Recording;
    resume: POST "/recordings/{id}/resume", id: id => Recording;
    casts: GET "/casts", query: CastFilter => Vec<Cast>;
}

impl Client {
    /// `POST /recordings`; says whether the recording is new.
    ///
    /// # Errors
    /// As every call.
    pub async fn create_recording(&mut self, new: &RecordingCreate) -> Result<(bool, Recording)> {
        let call = self.call(Method::POST, "/recordings", NONE, Some(new));
        let (status, recording) = call.await?;
        Ok((status == StatusCode::CREATED, recording))
    }
}
