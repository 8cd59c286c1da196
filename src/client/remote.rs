//! A handle on a thing of the server's: its fields are changed here and
//! written there, at once or together.

use super::{Client, Result};
use crate::api::{Layout, Session, SessionUpdate, Window, WindowUpdate};

/// Something whose fields can be written.
pub trait Model: Sized {
    /// Fields that have been changed.
    type Changes: Default + Clone + Send + Sync;

    /// The names of the fields in `changes`.
    fn dirty(changes: &Self::Changes) -> Vec<&'static str>;

    /// The id of the thing.
    fn id(&self) -> &str;

    /// Asks for the thing.
    fn fetch(client: &mut Client, id: &str) -> impl Future<Output = Result<Self>> + Send;

    /// Writes the changes; gives the thing as it is then.
    fn write(
        client: &mut Client,
        id: &str,
        changes: &Self::Changes,
    ) -> impl Future<Output = Result<Self>> + Send;
}

/// A handle on a window or a session.
pub struct Remote<'c, M: Model> {
    client: &'c mut Client,
    model: M,
    changes: M::Changes,
    /// Whether changes wait for a commit.
    is_held: bool,
}

impl<'c, M: Model> Remote<'c, M> {
    /// A handle on the thing of this id.
    ///
    /// # Errors
    /// As every call.
    pub async fn get(client: &'c mut Client, id: &str) -> Result<Remote<'c, M>> {
        let model = M::fetch(client, id).await?;
        Ok(Remote::from_remote(client, model))
    }

    /// A handle on what has just been read; nothing is written.
    pub fn from_remote(client: &'c mut Client, model: M) -> Remote<'c, M> {
        Remote {
            client,
            model,
            changes: M::Changes::default(),
            is_held: false,
        }
    }

    /// The thing as it was last read.
    #[must_use]
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The fields that have been changed here and not written yet.
    #[must_use]
    pub fn dirty_fields(&self) -> Vec<&'static str> {
        M::dirty(&self.changes)
    }

    /// Writes what has been changed. What could not be written stays dirty.
    ///
    /// # Errors
    /// As every call.
    pub async fn commit(&mut self) -> Result<()> {
        if self.dirty_fields().is_empty() {
            return Ok(());
        }
        self.model = M::write(self.client, self.model.id(), &self.changes).await?;
        self.changes = M::Changes::default();
        Ok(())
    }

    /// Forgets what has been changed and not written.
    pub fn revert(&mut self) {
        self.changes = M::Changes::default();
    }

    /// Reads the thing again; what has been changed here stays so.
    ///
    /// # Errors
    /// As every call.
    pub async fn refresh(&mut self) -> Result<()> {
        self.model = M::fetch(self.client, self.model.id()).await?;
        Ok(())
    }

    /// Holds changes back until they are committed together; those of a
    /// transaction that is dropped are forgotten.
    pub fn transaction(&mut self) -> Transaction<'_, 'c, M> {
        let before = self.changes.clone();
        self.is_held = true;
        Transaction {
            remote: self,
            before,
        }
    }

    /// Takes a change in, and writes it unless changes are held back.
    async fn change(&mut self, change: impl FnOnce(&mut M::Changes, &M)) -> Result<()> {
        change(&mut self.changes, &self.model);
        if self.is_held {
            return Ok(());
        }
        self.commit().await
    }
}

/// Several changes that are written together.
pub struct Transaction<'r, 'c, M: Model> {
    remote: &'r mut Remote<'c, M>,
    before: M::Changes,
}

impl<'c, M: Model> Transaction<'_, 'c, M> {
    /// The handle, for changes.
    pub fn remote(&mut self) -> &mut Remote<'c, M> {
        self.remote
    }

    /// Writes all changes in one request.
    ///
    /// # Errors
    /// As every call; nothing is dirty any more then.
    pub async fn commit(mut self) -> Result<()> {
        let outcome = self.remote.commit().await;
        self.before = M::Changes::default();
        outcome
    }
}

impl<M: Model> Drop for Transaction<'_, '_, M> {
    fn drop(&mut self) {
        self.remote.is_held = false;
        self.remote.changes = self.before.clone();
    }
}

impl Remote<'_, Window> {
    /// Gives the window another name.
    ///
    /// # Errors
    /// As every call.
    pub async fn set_name(&mut self, name: impl Into<String>) -> Result<()> {
        let name = name.into();
        self.change(|changes, window| {
            changes.new_name = (name != window.name).then_some(name);
        })
        .await
    }

    /// Lays out the window's panes.
    ///
    /// # Errors
    /// As every call.
    pub async fn set_layout(&mut self, layout: Layout) -> Result<()> {
        self.change(|changes, _| changes.layout = Some(layout))
            .await
    }
}

impl Remote<'_, Session> {
    /// Gives the session another name.
    ///
    /// # Errors
    /// As every call.
    pub async fn set_name(&mut self, name: impl Into<String>) -> Result<()> {
        let name = name.into();
        self.change(|changes, session| {
            changes.new_name = (name != session.name).then_some(name);
        })
        .await
    }
}

impl Model for Window {
    type Changes = WindowUpdate;

    fn dirty(changes: &WindowUpdate) -> Vec<&'static str> {
        let name = changes.new_name.as_ref().map(|_| "name");
        let layout = changes.layout.map(|_| "layout");
        name.into_iter().chain(layout).collect()
    }

    fn id(&self) -> &str {
        &self.id
    }

    async fn fetch(client: &mut Client, id: &str) -> Result<Window> {
        client.window(id).await
    }

    async fn write(client: &mut Client, id: &str, changes: &WindowUpdate) -> Result<Window> {
        client.update_window(id, changes).await
    }
}

impl Model for Session {
    type Changes = SessionUpdate;

    fn dirty(changes: &SessionUpdate) -> Vec<&'static str> {
        changes
            .new_name
            .as_ref()
            .map(|_| "name")
            .into_iter()
            .collect()
    }

    fn id(&self) -> &str {
        &self.id
    }

    async fn fetch(client: &mut Client, id: &str) -> Result<Session> {
        client.session(id).await
    }

    async fn write(client: &mut Client, id: &str, changes: &SessionUpdate) -> Result<Session> {
        client.update_session(id, changes).await
    }
}
