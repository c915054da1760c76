//! Machine clients, and what they may ask: what a token is (RFC 7662), and to end one (RFC 7009).

pub(crate) mod introspect;
pub(crate) mod registered;
pub(crate) mod revoke;
