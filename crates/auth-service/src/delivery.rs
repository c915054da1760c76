//! How mail leaves: what waits in the outbox is claimed, written and handed to the transport.

pub(crate) mod mail_worker;
