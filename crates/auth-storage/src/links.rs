//! What mailed links do. The rule: a link is used up in the transaction that does what it is for.

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

/// What a one-time token did, which is used up now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redeemed {
    /// The user after it.
    pub user: User,
    /// What it was, if it ended anything.
    pub event: Option<SecurityEvent>,
}

/// Why a one-time token did nothing. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRedeemed {
    /// There is no such token, or it was used, or is past its time.
    InvalidToken,
    /// Another user has the address by now.
    EmailTaken,
    /// The link alone does not do it: it takes a session of the account or its password as well, or for a first confirmation a
    /// new password.
    ProofNeeded,
}

impl Storage {
    /// Queues a mail with a reset link for the user with this address: the same row for known and unknown addresses.
    pub async fn ask_for_reset(
        &self,
        recipient: String,
        terms: ChangeContext,
    ) -> Result<Committed<()>, StorageError> {
        run!(
            self,
            write,
            outbox::ask_by_address(MailKind::PasswordReset, &recipient, &terms)
        )
    }

    /// Queues a mail with a reset link for a user.
    pub async fn mail_reset(
        &self,
        user: UserId,
        terms: ChangeContext,
    ) -> Result<Result<Committed<()>, Refused>, StorageError> {
        run!(self, write, links::mail_reset(user, &terms))
    }

    /// Queues the mail that verifies a user's address.
    pub async fn mail_verification(
        &self,
        user: UserId,
        mailed: MailedToken,
        terms: ChangeContext,
    ) -> Result<Result<Committed<()>, Refused>, StorageError> {
        run!(self, write, links::mail_verification(user, &mailed, &terms))
    }

    /// Asks a new address to confirm, and tells the old one.
    pub async fn ask_for_new_email(
        &self,
        user: UserId,
        new: EmailAddress,
        mailed: MailedToken,
        terms: ChangeContext,
    ) -> Result<Result<Committed<()>, Refused>, StorageError> {
        run!(self, write, links::ask_for_new_email(user, &new, &mailed, &terms))
    }

    /// Uses a reset token up: sets the password, ends every session, forgets known devices, tells the owner.
    pub async fn reset_password(
        &self,
        digest: [u8; 32],
        hash: PasswordHash,
        terms: ChangeContext,
    ) -> Result<Result<Committed<Redeemed>, NotRedeemed>, StorageError> {
        run!(self, write, links::reset_password(&digest, &hash, &terms))
    }

    /// Uses a verification token up. The first confirmation of an address takes a proof beside the link, and ends what the
    /// account's maker had; a registration that waited for it is complete.
    pub async fn verify_email(
        &self,
        digest: [u8; 32],
        proof: LinkProof<PasswordHash>,
        terms: ChangeContext,
    ) -> Result<Result<Committed<Redeemed>, NotRedeemed>, StorageError> {
        run!(self, write, links::verify_email(&digest, &proof, &terms))
    }

    /// Uses the token of a new address up: puts it in force, ends every session, tells the old one. It takes a session of the
    /// account or its password beside the link.
    pub async fn change_email(
        &self,
        digest: [u8; 32],
        proof: LinkProof<PasswordHash>,
        terms: ChangeContext,
    ) -> Result<Result<Committed<Redeemed>, NotRedeemed>, StorageError> {
        run!(self, write, links::change_email(&digest, &proof, &terms))
    }

    /// Uses a report token up: everything ends, and an address that was changed comes back, unless another user has it by now.
    pub async fn report(
        &self,
        digest: [u8; 32],
        terms: ChangeContext,
    ) -> Result<Result<Committed<Redeemed>, NotRedeemed>, StorageError> {
        run!(self, write, links::report(&digest, &terms))
    }
}
