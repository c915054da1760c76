//! Emails: the text of each mail, and the transports that deliver it.
//!
//! The crate's rule: **the links of a mail are its only secrets, and they appear nowhere but in the mail**: not in an error, not in a
//! log, and not in `Debug` output. Other crates decide whether a mail is sent, to whom, and how often. This crate renders one [`Letter`]
//! ([`Mailer::render`]) and delivers it ([`Mailer::deliver`]); the error says whether another attempt could help ([`Undelivered`]).
//!
//! Values that users choose can't change a mail's structure: a name, a device or an address is escaped in HTML, is one line in the
//! subject, and is never part of another header. A letter that is sent again is the same mail byte for byte, with the same Message-ID.

pub mod config;
pub mod letter;

mod ehlo;
mod embedded;
mod error;
mod files;
mod mailbox;
mod mailer;
mod message;
mod overrides;
mod refusal;
mod smtp;
mod templates;

pub use config::{MailConfig, SmtpTls, Transport};
pub use ehlo::ehlo_name_of;
pub use error::{MailError, Undelivered};
pub use letter::{Content, Letter, MailFacts};
pub use mailer::Mailer;
