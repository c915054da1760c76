//! The navigation. The rule: it names a page to users who may see it, as the page itself declares.

use super::{
    config::is_within,
    texts::{Texts, Words},
};
use crate::http::route::Access;

/// The label of a page in the navigation.
pub type Label = fn(&Texts) -> &Words;

/// An entry of the navigation.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The page's path, below `pages.path`.
    pub place: &'static str,
    /// The label.
    pub label: Label,
    /// Who may see the page.
    pub access: Access,
}

/// The pages of the navigation, in its order. App data.
#[derive(Debug, Clone)]
pub struct Navigation(Vec<Entry>);

impl Navigation {
    /// The navigation of these pages.
    pub fn of(entries: impl Iterator<Item = Entry>) -> Self {
        Self(entries.collect())
    }

    /// The entries at or below a path.
    pub fn below(&self, place: &str) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(move |entry| is_within(entry.place, place))
    }
}
