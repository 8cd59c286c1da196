//! What waits until a client shows a new session.
//!
//! `destroy-unattached` and `exit-unattached` would end it before; and a main
//! pane keeps its size when a window grows, so that the side panes of a session
//! that was built without a terminal would keep one of 80 columns.
//!
//! Where the load itself attaches, it runs what waits right after. Otherwise
//! hooks do it, each of which removes itself: global ones with an index of their
//! own, beside the user's, since a hook of the session or the window would keep
//! the user's own from running.

use super::context::Size;
use crate::tmux::unattached::{lay_again, once_shown};
use crate::tmux::{Batch, SessionId, WindowId};

/// What waits until a client shows a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnAttach {
    pub(super) session: SessionId,
    pub(super) options: Batch,
    pub(super) layouts: Vec<MainLayout>,
}

/// A window that is laid out around a main pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MainLayout {
    pub window: WindowId,
    pub layout: String,
    /// The size that it was laid out for.
    pub size: Size,
}

impl OnAttach {
    /// The options that are set once a client shows the session. Empty when none
    /// is held back.
    #[must_use]
    pub fn options(&self) -> &Batch {
        &self.options
    }

    /// Commands that leave hooks which do it all at the right time.
    #[must_use]
    pub fn hooks(&self) -> Batch {
        let mut batch = Batch::new();
        if !self.options.is_empty() {
            batch.append(once_shown(self.session, &self.options));
        }
        for main in &self.layouts {
            let Size { columns, rows } = main.size;
            batch.append(lay_again(main.window, &main.layout, columns, rows));
        }
        batch
    }
}
