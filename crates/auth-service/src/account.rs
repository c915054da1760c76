//! What people do to their own account: look at it, confirm and change its address, change and recover its password, keep API
//! keys. Each use case asks for the proof that it needs by itself.

pub(crate) mod api_keys;
pub(crate) mod email;
pub(crate) mod me;
pub(crate) mod password;
