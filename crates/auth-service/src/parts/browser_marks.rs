//! The mark of a session that began in a browser: an authentication code (HMAC-SHA-256) of the session's id, which only this server
//! can create.

use crate::parts::{
    failure::Failure,
    master_key::{MasterKey, Purpose},
};
use auth_domain::ids::SessionId;
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Creates and checks the marks.
pub(crate) struct BrowserMarks(hmac::Key);

impl BrowserMarks {
    pub(crate) fn new(master: &MasterKey) -> Result<Self, Failure> {
        Ok(Self(master.hmac_key(Purpose::Browsers)?))
    }

    pub(crate) fn of(&self, session: SessionId) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, session.as_uuid().as_bytes()))
    }

    pub(crate) fn is_valid(&self, mark: &str, session: SessionId) -> bool {
        let code = URL_SAFE_NO_PAD.decode(mark).unwrap_or_default();
        hmac::verify(&self.0, session.as_uuid().as_bytes(), &code).is_ok()
    }
}
