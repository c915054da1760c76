//! The tokens of forms: a token says that this server issued the form to this visitor not long ago. A page of another site can make
//! a browser send a form, but it does not know a valid token (OWASP: signed double-submit tokens).
//!
//! No two tokens are the same, so that the size of a compressed answer reveals nothing about the next one (BREACH).

use crate::parts::{
    entropy::{Entropy, random_bytes},
    failure::Failure,
    master_key::{MasterKey, Purpose},
};
use auth_domain::{
    ids::SessionId,
    time::{Span, Timestamp},
};
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::DateTime;

/// The lifetime of a form's token.
const FORM_LIFETIME: Span = Span::hours(12);

/// The length of a token's body: salt, time.
const BODY: usize = 16 + 8;

/// The visitor that a form is issued to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visitor {
    /// The random id of the browser.
    pub id: [u8; 16],
    /// The session, if the visitor is signed in.
    pub session: Option<SessionId>,
}

/// Issues and checks the tokens.
pub(crate) struct FormTokens(hmac::Key);

impl FormTokens {
    pub(crate) fn new(master: &MasterKey) -> Result<Self, Failure> {
        Ok(Self(master.hmac_key(Purpose::Forms)?))
    }

    pub(crate) fn issue(
        &self,
        visitor: Visitor,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<String, Failure> {
        let mut token = random_bytes::<16>(entropy)?.to_vec();
        token.extend_from_slice(&now.timestamp_micros().to_be_bytes());
        let code = hmac::sign(&self.0, &message(&token, visitor));
        token.extend_from_slice(code.as_ref());
        Ok(URL_SAFE_NO_PAD.encode(token))
    }

    pub(crate) fn is_valid(&self, token: &str, visitor: Visitor, now: Timestamp) -> bool {
        if token.len() > 128 {
            return false;
        }
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else {
            return false;
        };
        let Some((body, code)) = bytes.split_at_checked(BODY) else {
            return false;
        };
        let since = body
            .last_chunk::<8>()
            .and_then(|moment| DateTime::from_timestamp_micros(i64::from_be_bytes(*moment)));
        hmac::verify(&self.0, &message(body, visitor), code).is_ok()
            && since.is_some_and(|since| now - since < FORM_LIFETIME)
    }
}

fn message(body: &[u8], visitor: Visitor) -> Vec<u8> {
    let session = visitor.session.map(|id| *id.as_uuid().as_bytes());
    [
        body,
        &visitor.id,
        session.as_ref().map_or(&[], <[u8; 16]>::as_slice),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::entropy::SystemEntropy;
    use uuid::Uuid;

    #[test]
    fn a_form_token_is_valid_for_its_visitor_alone_and_for_its_lifetime() {
        let tokens = FormTokens::new(&MasterKey::from_bytes([1; 32])).unwrap();
        let others = FormTokens::new(&MasterKey::from_bytes([2; 32])).unwrap();
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        let anonymous = Visitor {
            id: [1; 16],
            session: None,
        };
        let signed_in = Visitor {
            session: Some(SessionId::from_uuid(Uuid::from_u128(7))),
            ..anonymous
        };
        let token = tokens.issue(signed_in, now, &SystemEntropy).unwrap();
        assert!(tokens.is_valid(&token, signed_in, now));
        assert!(tokens.is_valid(&token, signed_in, now + FORM_LIFETIME - Span::seconds(1)));
        assert!(!tokens.is_valid(&token, signed_in, now + FORM_LIFETIME));
        assert!(
            !tokens.is_valid(&token, anonymous, now),
            "a sign-in changes the forms"
        );
        let other = Visitor {
            id: [2; 16],
            ..signed_in
        };
        assert!(!tokens.is_valid(&token, other, now));
        assert!(!others.is_valid(&token, signed_in, now));
        assert_ne!(token, tokens.issue(signed_in, now, &SystemEntropy).unwrap());
        for text in [
            "",
            "a",
            "AAAA",
            "é",
            &"A".repeat(75),
            &"A".repeat(4000),
            &token[1..],
        ] {
            assert!(!tokens.is_valid(text, signed_in, now), "{text}");
        }
    }
}
