//! What users do with their own account: read it, confirm and change its email address, change and reset its password, manage API
//! keys. A use case that can't be undone takes a proof of reauthentication as a parameter.

pub(crate) mod api_keys;
pub(crate) mod email;
pub(crate) mod error;
pub(crate) mod me;
pub(crate) mod password;
pub(crate) mod reauthenticate;
