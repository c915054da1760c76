//! Clients (other services), and what they may do: introspect tokens (RFC 7662) and revoke them (RFC 7009).

pub(crate) mod introspect;
pub(crate) mod registered;
pub(crate) mod revoke;
