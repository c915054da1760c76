//! A letter as an Internet message: headers, and the two parts as `multipart/alternative`.
//!
//! Headers are made of the configuration, the kind's subject and the recipient's parsed address, and of nothing else. The
//! message holds no clock and no chance: another attempt makes the same bytes.

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

/// The last second that the `Date` header can tell: the end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// Whom mail is from, and where answers go.
pub(crate) struct Sender {
    from: Mailbox,
    reply_to: Option<Mailbox>,
}

/// A message, and its envelope.
pub(crate) struct Outgoing {
    pub(crate) id: Uuid,
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) bytes: Vec<u8>,
}

impl Sender {
    pub(crate) fn new(config: &MailConfig) -> Result<Self, MailError> {
        let read =
            |key, text: &str| mailbox::parse(text).ok_or_else(|| MailError::setting(key, "is no mailbox"));
        Ok(Self {
            from: read("from", &config.from)?,
            reply_to: config
                .reply_to
                .as_deref()
                .map(|text| read("reply_to", text))
                .transpose()?,
        })
    }

    /// Puts the message together.
    pub(crate) fn compose(&self, letter: &Letter, content: Content) -> Result<Outgoing, Undelivered> {
        let unfit = |what: &str| Undelivered::Never(what.to_owned());
        let to: Address = letter
            .to
            .as_str()
            .parse()
            .map_err(|_| unfit("no mail can be addressed to this address"))?;
        let parts = MultiPart::alternative()
            .boundary(format!("=_{}", letter.id.simple()))
            .singlepart(SinglePart::plain(content.text))
            .singlepart(SinglePart::html(content.html));
        let mut message = Message::builder()
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            .date(moment(letter.date))
            .from(self.from.clone())
            .to(to.clone().into())
            .subject(content.subject)
            // RFC 3834: no out-of-office notes in answer, please.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(reply_to.clone());
        }
        let message = message
            .multipart(parts)
            .map_err(|_| unfit("the message could not be put together"))?;
        Ok(Outgoing {
            id: letter.id,
            from: self.from.email.clone(),
            to,
            bytes: message.formatted(),
        })
    }
}

/// The moment, as far as the header can tell it.
fn moment(date: Timestamp) -> SystemTime {
    let seconds = u64::try_from(date.timestamp()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(LAST_SECOND))
}
