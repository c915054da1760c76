//! The layout of every page: title, navigation, notices. The rule: the navigation shows a page only to users who may see it.

use super::{
    config::is_within, context::PageContext, navigation::Navigation, state::PagesState, texts::Texts,
};
use crate::http::problem::Problem;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The layout of a page.
pub struct Layout<'a> {
    /// The context of the page.
    pub context: &'a PageContext,
    /// The state that all pages share.
    pub pages_state: &'a PagesState,
    /// The texts.
    pub t: &'a Texts,
    /// The page's own title.
    pub title: String,
    /// The token of its forms.
    pub token: String,
    /// The path of the request.
    pub path: &'a str,
    /// The notice of what was just done.
    pub done: Option<&'a str>,
}

/// An entry of the navigation.
pub struct Entry<'a> {
    /// The page's address.
    pub address: String,
    /// The label.
    pub label: &'a str,
    /// Whether the current page is this one or lies below it.
    pub current: bool,
}

impl PageContext {
    /// The layout of a page. Its forms are bound to this browser, which gets an id if it has none.
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
                .and_then(|value| self.pages_state.texts.done(&value)),
        })
    }
}

impl<'a> Layout<'a> {
    /// The address of a page.
    #[must_use]
    pub fn at(&self, place: &str) -> String {
        self.pages_state.at(place)
    }

    /// The email address of the signed-in user.
    #[must_use]
    pub fn email(&self) -> Option<&'a str> {
        let principal = self.context.principal.as_ref();
        principal.map(|principal| principal.claims.email.as_str())
    }

    /// The pages of this section: the account's, or the administration's.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry<'a>> {
        let section = ["/admin", "/account"]
            .into_iter()
            .find(|section| self.is_below(section));
        section.map_or_else(Vec::new, |section| self.pages_below(section))
    }

    /// The pages of the administration that the user may see.
    #[must_use]
    pub fn administration(&self) -> Vec<Entry<'a>> {
        self.pages_below("/admin")
    }

    /// The pages of the navigation that this user may see, at or below `section`.
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

    /// Whether the current page lies at or below `place`.
    #[must_use]
    pub fn is_below(&self, place: &str) -> bool {
        is_within(self.path, &self.at(place))
    }

    /// The address of the next page of a list, with the same filters.
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
