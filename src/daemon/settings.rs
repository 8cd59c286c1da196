//! The settings that the daemon works with, and how they change while it runs.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use super::{Daemon, Error, Result};
use crate::api;
use crate::config::{Config, Loaded, Server};

/// The present settings, and the file that they are read from again.
pub(super) struct Settings {
    now: watch::Sender<Arc<Config>>,
    /// `None` stands for the usual places.
    file: Option<PathBuf>,
}

impl Settings {
    pub(super) fn new(config: Config, file: Option<PathBuf>) -> Settings {
        Settings {
            now: watch::Sender::new(Arc::new(config)),
            file,
        }
    }

    pub(super) fn now(&self) -> Arc<Config> {
        Arc::clone(&self.now.borrow())
    }

    pub(super) fn watch(&self) -> watch::Receiver<Arc<Config>> {
        self.now.subscribe()
    }
}

impl Daemon {
    /// The settings it works with, as they change.
    #[must_use]
    pub fn watch_settings(&self) -> watch::Receiver<Arc<Config>> {
        self.shared.settings.watch()
    }

    /// Reads file and environment again. Running recordings take over what is
    /// theirs at once; port and authentication are those of the start.
    ///
    /// # Errors
    /// [`Error::Settings`] when something in them does not fit: nothing changes
    /// then.
    pub async fn reload(&self) -> Result<api::SettingsReloaded> {
        let settings = &self.shared.settings;
        let file = settings.file.clone();
        let loaded = tokio::task::spawn_blocking(move || Loaded::read(file.as_deref()))
            .await
            .expect("reading settings does not panic")
            .map_err(Error::Settings)?;
        let before = settings.now();
        let wanted = loaded.config;
        let now = Config {
            server: Server {
                port: before.server.port,
                auth: before.server.auth,
                ..wanted.server.clone()
            },
            ..wanted.clone()
        };
        let reloaded = api::SettingsReloaded {
            file: loaded.file,
            applied: before.differences(&now),
            after_restart: now.differences(&wanted),
            warnings: loaded.warnings,
        };
        for warning in &reloaded.warnings {
            tracing::warn!(warning, "the settings");
        }
        tracing::info!(applied = ?reloaded.applied, after_restart = ?reloaded.after_restart, "settings read again");
        settings.now.send_replace(Arc::new(now));
        Ok(reloaded)
    }
}
