//! What people do to their own account: look at it, confirm and change its address, change and recover its password, keep API
//! keys. What can't be taken back asks for a proof by its parameters.

pub(crate) mod api_keys;
pub(crate) mod email;
pub(crate) mod error;
pub(crate) mod me;
pub(crate) mod password;
pub(crate) mod reauthenticate;
