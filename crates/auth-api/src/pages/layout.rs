//! What is around every page: title, navigation, notices.

use super::{
    config::is_within, context::PageContext, navigation::Navigation, state::PagesState, texts::Texts,
};
use crate::http::problem::Problem;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What is around a page.
pub struct Layout<'a> {
    /// Whoever came.
    pub context: &'a PageContext,
    /// What all pages share.
    pub pages_state: &'a PagesState,
    /// The words.
    pub t: &'a Texts,
    /// The page's own title.
    pub title: String,
    /// The token of its forms.
    pub token: String,
    /// The path that was asked for.
    pub path: &'a str,
    /// What was just done.
    pub done: Option<&'a str>,
}

/// A page of the navigation.
pub struct Entry<'a> {
    /// Its address.
    pub address: String,
    /// What it is called.
    pub label: &'a str,
    /// Whether it is the one that is shown, or one below it.
    pub current: bool,
}

impl PageContext {
    /// What is around every page. Its forms are for this visitor, who is given a name if it has none.
    ///
    /// # Errors
    /// An outage.
    pub fn layout(&self, title: &str) -> Result<Layout<'_>, Problem> {
        let id = match self.visitor {
            Some(id) => id,
            None => {
                let id = self.service.new_visitor_id()?;
                self.pages_state.cookies.name_visitor(&self.request, id);
                id
            }
        };
        Ok(Layout {
            context: self,
            pages_state: &self.pages_state,
            t: &self.pages_state.texts,
            title: title.to_owned(),
            token: self.service.form_token(self.visitor_of(id), self.now())?,
            path: self.request.match_info().as_str(),
            done: self
                .query()
                .single("done")
                .ok()
                .flatten()
                .and_then(|word| self.pages_state.texts.done(&word)),
        })
    }
}

impl<'a> Layout<'a> {
    /// The address of a page.
    #[must_use]
    pub fn at(&self, place: &str) -> String {
        self.pages_state.at(place)
    }

    /// The address of whoever is signed in.
    #[must_use]
    pub fn email(&self) -> Option<&'a str> {
        let principal = self.context.principal.as_ref();
        principal.map(|principal| principal.claims.email.as_str())
    }

    /// The pages beside this one: of one's account, or of the administration.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry<'a>> {
        let section = ["/admin", "/account"]
            .into_iter()
            .find(|section| self.is_below(section));
        section.map_or_else(Vec::new, |section| self.pages_below(section))
    }

    /// The pages of the administration that may be seen.
    #[must_use]
    pub fn administration(&self) -> Vec<Entry<'a>> {
        self.pages_below("/admin")
    }

    /// The pages that the navigation names to this visitor, at or below a place.
    fn pages_below(&self, section: &str) -> Vec<Entry<'a>> {
        let navigation = self.context.request.app_data::<Navigation>();
        let named = navigation.into_iter().flat_map(|all| all.below(section));
        let shown = named.filter(|entry| self.context.may_see(entry.access));
        shown
            .map(|entry| Entry {
                address: self.at(entry.place),
                label: (entry.label)(self.t),
                current: self.path == self.at(entry.place)
                    || (entry.place != section && self.is_below(entry.place)),
            })
            .collect()
    }

    /// Whether the page lies at or below a place.
    #[must_use]
    pub fn is_below(&self, place: &str) -> bool {
        is_within(self.path, &self.at(place))
    }

    /// The address of the next page of a list, what it is narrowed by filters.
    #[must_use]
    pub fn older(&self, place: &str, filters: &[(&str, &str)], cursor: Option<&str>) -> Option<String> {
        let filters = filters.iter().filter(|(_, value)| !value.is_empty());
        let filters =
            filters.map(|(name, value)| format!("{name}={}&", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        let cursor = cursor?;
        Some(format!(
            "{}?{}cursor={cursor}",
            self.at(place),
            filters.collect::<String>()
        ))
    }
}
