//! The names of the keys (docs/rules.md §1). They contain ids, never tokens, and share a hash tag: one slot in a cluster.

use auth_domain::revocation::{Revocation, Revoked, TokenRef};
use auth_redis::KeySpace;

/// The purpose of the keys, which is their hash tag.
pub(crate) const PURPOSE: &str = "blacklist";

/// The key names under one prefix.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    space: KeySpace,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            space: KeySpace::new(prefix, PURPOSE),
        }
    }

    /// The keys of a token, its session and its user, in this order.
    pub(super) fn of_token(&self, token: &TokenRef) -> [String; 3] {
        [
            self.space.key(format_args!("token:{}", token.token)),
            self.space.key(format_args!("session:{}", token.session)),
            self.space.key(format_args!("user:{}", token.user)),
        ]
    }

    /// The key of a revocation and its value: a user's least generation, or 1.
    pub(super) fn of_revocation(&self, revocation: &Revocation) -> (String, i64) {
        let (name, number) = match revocation.what {
            Revoked::Token(id) => (format!("token:{id}"), 1),
            Revoked::Session(id) => (format!("session:{id}"), 1),
            Revoked::User(id, least) => (format!("user:{id}"), least.number()),
        };
        (self.space.key(name), number)
    }

    /// The key whose value changes when Redis has lost data.
    pub(super) fn sentinel(&self) -> String {
        self.space.key("sentinel")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_domain::{
        ids::{SessionId, TokenId, UserId},
        user::Generation,
    };
    use uuid::Uuid;

    #[test]
    fn the_names_are_the_documented_ones() {
        let keys = Keys::new("keyward");
        let id = Uuid::from_u128(7);
        let token = TokenRef {
            token: TokenId::from_uuid(id),
            session: SessionId::from_uuid(id),
            user: UserId::from_uuid(id),
            generation: Generation::FIRST,
        };
        assert_eq!(
            keys.of_token(&token),
            [
                "keyward:{blacklist}:token:00000000-0000-0000-0000-000000000007",
                "keyward:{blacklist}:session:00000000-0000-0000-0000-000000000007",
                "keyward:{blacklist}:user:00000000-0000-0000-0000-000000000007",
            ]
        );
        assert_eq!(keys.sentinel(), "keyward:{blacklist}:sentinel");
    }

    #[test]
    fn a_deleted_users_generation_is_the_highest_number() {
        let what = Revoked::User(UserId::from_uuid(Uuid::nil()), Generation::DELETED);
        let revocation = Revocation {
            what,
            until: chrono::DateTime::UNIX_EPOCH,
        };
        assert_eq!(Keys::new("a").of_revocation(&revocation).1, i64::MAX);
    }
}
