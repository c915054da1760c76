//! Registrations that wait for their address. The rule: a request writes the same rows for every address.

use crate::{
    committed::Committed,
    context::ChangeContext,
    error::StorageError,
    one_time_tokens::{Mailed as MailedToken, New as NewToken},
    storage::{Storage, run},
    users::New as NewUser,
};
use auth_domain::{email::EmailAddress, ids::UserId, mail::MailKind, password_hash::PasswordHash};

/// What a confirmation mail that was requested by email address says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerificationMail {
    /// The confirmation link, sent to this user.
    Confirm(UserId),
    /// That someone tried to register with the address of this user.
    AlreadyRegistered(UserId),
    /// Nothing is sent: no user with this address waits for a confirmation.
    Nothing,
}

impl Storage {
    /// Queues a registration whose address has to be confirmed first. New and known addresses get the same rows.
    pub async fn register_pending(
        &self,
        email: EmailAddress,
        mailed: MailedToken,
        context: ChangeContext,
    ) -> Result<Committed<()>, StorageError> {
        run!(
            self,
            write,
            registrations::register_pending(&email, &mailed, &context)
        )
    }

    /// Queues a mail with a link that confirms this address. Known and unknown addresses get the same row.
    pub async fn ask_for_verification(
        &self,
        recipient: String,
        context: ChangeContext,
    ) -> Result<Committed<()>, StorageError> {
        run!(
            self,
            write,
            outbox::queue_by_address(MailKind::EmailVerification, &recipient, &context)
        )
    }

    /// Decides what a confirmation mail that was requested by email address says, and assigns its token to a user. For a registration
    /// whose address is free, it creates `user`. A second call for the same token returns the same.
    pub async fn decide_verification_mail(
        &self,
        token: NewToken,
        user: NewUser,
        context: ChangeContext,
    ) -> Result<VerificationMail, StorageError> {
        run!(
            self,
            write,
            registrations::decide_verification_mail(&token, &user, &context)
        )
    }

    /// The password of a registration that waits for this address to be confirmed.
    pub async fn waiting_password(&self, email: &EmailAddress) -> Result<Option<PasswordHash>, StorageError> {
        let email = email.clone();
        run!(self, read, registrations::waiting_password(&email))
    }
}
