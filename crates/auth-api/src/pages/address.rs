//! The address of a page.

use super::site::Site;
use crate::http::address::resource;
use actix_web::Resource;

/// A page's address. What a page is told by is its path, so no page may lie elsewhere.
pub(super) fn page_at(site: &Site, path: &str, allow: &'static str) -> Resource {
    let path = site.at(path);
    debug_assert!(site.covers(&path), "{path} is not in PLACES");
    resource(&path, allow)
}
