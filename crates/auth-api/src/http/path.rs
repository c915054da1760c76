//! Ids in paths. The rule: a malformed id names nothing, so the answer is 404.

use super::problem::{Code, Problem};
use std::str::FromStr;

/// The id in a segment of a path.
///
/// # Errors
/// 404.
pub fn id<T: FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Code::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_domain::ids::SessionId;

    #[test]
    fn what_can_be_no_id_is_not_found() {
        assert_eq!(id::<SessionId>("7").unwrap_err().code(), Code::NotFound);
        assert!(id::<SessionId>("018f3f5e-7c1a-7a30-8d2e-0123456789ab").is_ok());
    }
}
