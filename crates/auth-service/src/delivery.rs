//! Mail delivery: mails in the outbox are claimed, composed and handed to the transport.

pub(crate) mod mail_worker;
