use serde::Serialize;

use super::Event;

/// What [`fetch`](super::fetch()) did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Files that already existed with the correct content.
    pub kept: Vec<String>,
    /// Files that were downloaded.
    pub downloaded: Vec<Downloaded>,
    /// Files that were made from these or from the manifest: members of an archive and their digests, and labels.
    pub written: Vec<String>,
}

/// A file that [`fetch`](super::fetch()) downloaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Downloaded {
    /// Its name in the folder.
    pub file: String,
    /// Number of bytes received.
    pub bytes: u64,
    /// URL of the mirror.
    pub mirror: String,
}

impl Summary {
    pub(super) fn keep(&mut self, file: &str, on_event: &mut dyn FnMut(Event<'_>)) {
        on_event(Event::Kept { file });
        self.kept.push(file.to_owned());
    }

    pub(super) fn note_written(&mut self, file: &str, on_event: &mut dyn FnMut(Event<'_>)) {
        on_event(Event::Written { file });
        self.written.push(file.to_owned());
    }
}
