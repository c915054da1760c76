//! The tokens in mails. Each is derived from the id of its mail with a separate key. So a mail that is sent again contains the same
//! token, and no row of the outbox contains a secret that gives access to an account.

use crate::parts::{
    failure::Failure,
    master_key::{MasterKey, Purpose},
    tokens::sha256,
};
use auth_domain::{
    ids::{MailId, OneTimeTokenId},
    one_time::TokenKind,
    time::{Timestamp, after},
};
use auth_storage::one_time_tokens;
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// Derives the tokens of mails.
pub(crate) struct MailTokens(hmac::Key);

impl MailTokens {
    pub(crate) fn new(master: &MasterKey) -> Result<Self, Failure> {
        Ok(Self(master.hmac_key(Purpose::MailTokens)?))
    }

    /// The token of a mail: 256 bits, which can't be distinguished from random ones without the master key.
    pub(crate) fn token(&self, mail: MailId, kind: TokenKind) -> SecretString {
        let message = [mail.as_uuid().as_bytes().as_slice(), kind.as_str().as_bytes()].concat();
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, &message)).into()
    }

    /// The row of a mail's token that was requested at this time.
    pub(crate) fn row(&self, mail: MailId, kind: TokenKind, asked_at: Timestamp) -> one_time_tokens::New {
        // One mail may contain two tokens: the ids of their rows differ in one bit.
        let mut id = *mail.as_uuid().as_bytes();
        let [.., last] = &mut id;
        *last ^= u8::from(kind == TokenKind::Report);
        one_time_tokens::New {
            id: OneTimeTokenId::from_uuid(uuid::Uuid::from_bytes(id)),
            kind,
            digest: sha256(self.token(mail, kind).expose_secret().as_bytes()),
            created_at: asked_at,
            expires_at: after(asked_at, kind.lifetime()),
            email: None,
            pending: None,
        }
    }

    /// A mail to be queued together with its token.
    pub(crate) fn mailed(&self, mail: MailId, kind: TokenKind, now: Timestamp) -> one_time_tokens::Mailed {
        one_time_tokens::Mailed {
            mail,
            token: self.row(mail, kind, now),
        }
    }
}

/// The digest that a presented token is looked up by.
pub(crate) fn digest_of(token: &SecretString) -> [u8; 32] {
    sha256(token.expose_secret().as_bytes())
}
