//! Sessions after the sign-in: authentication of calls, refresh, sign-out, and the list in which users see and end their sessions.

pub(crate) mod authenticate;
pub(crate) mod browser;
pub(crate) mod error;
pub(crate) mod forms;
pub(crate) mod logout;
pub(crate) mod logout_all;
pub(crate) mod own_sessions;
pub(crate) mod refresh;
pub(crate) mod refresh_token;
pub(crate) mod tokens;
