//! A letter as an Internet message: headers, and the two parts as `multipart/alternative`.
//!
//! The headers come only from the configuration, the rendered subject and the recipient's parsed address. The message does not depend on
//! the current time or on random numbers: another attempt makes the same bytes.

use crate::{
    config::MailConfig,
    error::{MailError, Undelivered},
    letter::{Content, Letter},
    mailbox,
};
use auth_domain::time::Timestamp;
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// The last second that the `Date` header can represent: the end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// The configured `From` and `Reply-To`.
pub(crate) struct Sender {
    from: Mailbox,
    reply_to: Option<Mailbox>,
}

/// A message and its envelope.
pub(crate) struct Outgoing {
    pub(crate) id: Uuid,
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) bytes: Vec<u8>,
}

impl Sender {
    pub(crate) fn new(config: &MailConfig) -> Result<Self, MailError> {
        let read =
            |key, text: &str| mailbox::parse(text).ok_or_else(|| MailError::setting(key, "is not a mailbox"));
        Ok(Self {
            from: read("from", &config.from)?,
            reply_to: config
                .reply_to
                .as_deref()
                .map(|text| read("reply_to", text))
                .transpose()?,
        })
    }

    /// Composes the message.
    pub(crate) fn compose(&self, letter: &Letter, content: Content) -> Result<Outgoing, Undelivered> {
        let never = |what: &str| Undelivered::Never(what.to_owned());
        let to: Address = letter
            .to
            .as_str()
            .parse()
            .map_err(|_| never("the address can't be used in a mail"))?;
        let parts = MultiPart::alternative()
            .boundary(format!("=_{}", letter.id.simple()))
            .singlepart(SinglePart::plain(content.text))
            .singlepart(SinglePart::html(content.html));
        let mut message = Message::builder()
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            .date(header_date(letter.date))
            .from(self.from.clone())
            .to(to.clone().into())
            .subject(content.subject)
            // RFC 3834: asks automatic responders not to answer.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(reply_to.clone());
        }
        let message = message
            .multipart(parts)
            .map_err(|_| never("the message could not be composed"))?;
        Ok(Outgoing {
            id: letter.id,
            from: self.from.email.clone(),
            to,
            bytes: message.formatted(),
        })
    }
}

/// The date, limited to what the header can represent.
fn header_date(date: Timestamp) -> SystemTime {
    let seconds = u64::try_from(date.timestamp()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(LAST_SECOND))
}
