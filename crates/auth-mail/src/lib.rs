//! What is sent: the words of each mail, and the transports that carry it.
//!
//! The crate's rule: **a mail says what happened and carries nothing that must stay secret but its links, and those stand
//! nowhere else**: not in an error, not in a log, not in what `Debug` shows. Whether a mail goes out, to whom and how often it
//! is tried is decided elsewhere; here one [`Letter`] is put into words ([`Mailer::render`]) and handed over
//! ([`Mailer::deliver`]), and the answer says whether another attempt could help ([`Undelivered`]).
//!
//! What nobody may do by what they are called: a name, a device or an address reaches the HTML escaped, the subject as one
//! line, and never a header. A letter that is tried again is the same mail to the byte, with the same Message-ID.

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
