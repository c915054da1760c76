//! Lists are answered page by page, each named by the last item of the page before.

use auth_storage::Pagination;
use uuid::Uuid;

/// Which page of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The id of the last item of the page before.
    pub after: Option<Uuid>,
    /// How many items at most.
    pub limit: u32,
}

impl From<PageRequest> for Pagination {
    fn from(request: PageRequest) -> Self {
        Self {
            after: request.after,
            limit: request.limit,
        }
    }
}
