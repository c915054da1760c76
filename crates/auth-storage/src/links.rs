//! What mailed links do. The rule: a link is used up in the same transaction that carries out its purpose.

use crate::{
    committed::Committed,
    context::{ChangeContext, Refused},
    error::StorageError,
    one_time_tokens::Mailed as MailedToken,
    storage::{Storage, run},
};
use auth_domain::{
    address_link::LinkProof, credential::SecurityEvent, email::EmailAddress, ids::UserId, mail::MailKind,
    password_hash::PasswordHash, user::User,
};

/// What a one-time token did. It is used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redeemed {
    /// The user after the change.
    pub user: User,
    /// The security event, if it ended any credential.
    pub event: Option<SecurityEvent>,
}

/// Why a one-time token did nothing. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRedeemed {
    /// There is no such token, or it was used, or it has expired.
    InvalidToken,
    /// Another user has taken the address.
    EmailTaken,
    /// The link alone is not enough: a session of the account or its password is needed as well, or a new password for a first
    /// confirmation.
    ProofNeeded,
}

impl Storage {
    /// Queues a mail with a reset link for the user with this address. Known and unknown addresses get the same row.
    pub async fn ask_for_reset(
        &self,
        recipient: String,
        context: ChangeContext,
    ) -> Result<Committed<()>, StorageError> {
        run!(
            self,
            write,
            outbox::queue_by_address(MailKind::PasswordReset, &recipient, &context)
        )
    }

    /// Queues a mail with a reset link for a user.
    pub async fn mail_reset(
        &self,
        user: UserId,
        context: ChangeContext,
    ) -> Result<Result<Committed<()>, Refused>, StorageError> {
        run!(self, write, links::mail_reset(user, &context))
    }

    /// Queues the mail that verifies a user's address.
    pub async fn mail_verification(
        &self,
        user: UserId,
        mailed: MailedToken,
        context: ChangeContext,
    ) -> Result<Result<Committed<()>, Refused>, StorageError> {
        run!(self, write, links::mail_verification(user, &mailed, &context))
    }

    /// Queues a mail that asks the new address to confirm, and one that notifies the old address.
    pub async fn ask_for_new_email(
        &self,
        user: UserId,
        new: EmailAddress,
        mailed: MailedToken,
        context: ChangeContext,
    ) -> Result<Result<Committed<()>, Refused>, StorageError> {
        run!(
            self,
            write,
            links::ask_for_new_email(user, &new, &mailed, &context)
        )
    }

    /// Uses up a reset token: sets the password, ends every session, forgets known devices and notifies the owner by mail.
    pub async fn reset_password(
        &self,
        digest: [u8; 32],
        hash: PasswordHash,
        context: ChangeContext,
    ) -> Result<Result<Committed<Redeemed>, NotRedeemed>, StorageError> {
        run!(self, write, links::reset_password(&digest, &hash, &context))
    }

    /// Uses up a verification token. The first confirmation of an address needs a proof in addition to the link, and ends the
    /// credentials of the account's creator. It completes a registration that waited for it.
    pub async fn verify_email(
        &self,
        digest: [u8; 32],
        proof: LinkProof<PasswordHash>,
        context: ChangeContext,
    ) -> Result<Result<Committed<Redeemed>, NotRedeemed>, StorageError> {
        run!(self, write, links::verify_email(&digest, &proof, &context))
    }

    /// Uses up the token for a new address: changes the address, ends every session and notifies the old address. It needs a session
    /// of the account or its password in addition to the link.
    pub async fn change_email(
        &self,
        digest: [u8; 32],
        proof: LinkProof<PasswordHash>,
        context: ChangeContext,
    ) -> Result<Result<Committed<Redeemed>, NotRedeemed>, StorageError> {
        run!(self, write, links::change_email(&digest, &proof, &context))
    }

    /// Uses up a report token: ends every credential, and restores an address that was changed, unless another user has taken it.
    pub async fn report(
        &self,
        digest: [u8; 32],
        context: ChangeContext,
    ) -> Result<Result<Committed<Redeemed>, NotRedeemed>, StorageError> {
        run!(self, write, links::report(&digest, &context))
    }
}
