//! The pages beside a page. The rule: a page is named to those who may see it, and what it declares says who that is.

use super::{
    config::is_within,
    texts::{Texts, Words},
};
use crate::http::route::Access;

/// What the navigation calls a page.
pub type Label = fn(&Texts) -> &Words;

/// A page of the navigation.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its path, below `pages.path`.
    pub place: &'static str,
    /// What it is called.
    pub label: Label,
    /// Who may see it.
    pub access: Access,
}

/// The pages that the navigation names, in its order. App data.
#[derive(Debug, Clone)]
pub struct Navigation(Vec<Entry>);

impl Navigation {
    /// Of these pages.
    pub fn of(entries: impl Iterator<Item = Entry>) -> Self {
        Self(entries.collect())
    }

    /// Those at or below a place.
    pub fn below(&self, place: &str) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(move |entry| is_within(entry.place, place))
    }
}
