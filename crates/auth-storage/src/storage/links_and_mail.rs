//! Mailed links and what they do, the outbox, and API keys.

use super::{Storage, run};
use crate::{
    asks::{LinkProof, MailedToken, NewApiKey, NewToken, NewUser},
    committed::Committed,
    context::ChangeContext,
    error::StorageError,
    outcomes::{ChangedUser, KeyHolder, KeyRefused, NotRedeemed, Redeemed, Refused, Settled, StoredToken},
};
use auth_domain::{
    api_key::ApiKey,
    email::EmailAddress,
    ids::{ApiKeyId, UserId},
    mail::MailKind,
    one_time::TokenKind,
    password_hash::PasswordHash,
    time::Timestamp,
};

impl Storage {
    /// Queues a mail with a reset link for whoever has this address: the same row for known and unknown ones.
    ///
    /// # Errors
    /// See [`StorageError`].
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

    /// Queues a mail with a link that confirms this address: the same row for known and unknown ones.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn ask_for_verification(
        &self,
        recipient: String,
        terms: ChangeContext,
    ) -> Result<Committed<()>, StorageError> {
        run!(
            self,
            write,
            outbox::ask_by_address(MailKind::EmailVerification, &recipient, &terms)
        )
    }

    /// Decides what a mail with a confirmation link that was asked for by address is to say, and gives its token a user; for a
    /// registration whose address is free it makes this one. Asked again for the same token it answers the same.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn settle_verification(
        &self,
        token: NewToken,
        user: NewUser,
        terms: ChangeContext,
    ) -> Result<Settled, StorageError> {
        run!(
            self,
            write,
            registrations::settle_verification(&token, &user, &terms)
        )
    }

    /// Queues a mail with a reset link for a user.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn mail_reset(
        &self,
        user: UserId,
        terms: ChangeContext,
    ) -> Result<Result<Committed<()>, Refused>, StorageError> {
        run!(self, write, links::mail_reset(user, &terms))
    }

    /// Queues the mail that verifies a user's address.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn mail_verification(
        &self,
        user: UserId,
        mailed: MailedToken,
        terms: ChangeContext,
    ) -> Result<Result<Committed<()>, Refused>, StorageError> {
        run!(self, write, links::mail_verification(user, &mailed, &terms))
    }

    /// Asks a new address to confirm, and tells the old one.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn ask_for_new_email(
        &self,
        user: UserId,
        new: EmailAddress,
        mailed: MailedToken,
        terms: ChangeContext,
    ) -> Result<Result<Committed<()>, Refused>, StorageError> {
        run!(self, write, links::ask_for_new_email(user, &new, &mailed, &terms))
    }

    /// A one-time token that holds, without using it.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn one_time_token(
        &self,
        kind: TokenKind,
        digest: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<StoredToken>, StorageError> {
        run!(self, look, one_time_tokens::find(kind, &digest, now))
    }

    /// Uses a reset token up: sets the password, ends every session, forgets known devices, tells the owner.
    ///
    /// # Errors
    /// See [`StorageError`].
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
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn verify_email(
        &self,
        digest: [u8; 32],
        proof: LinkProof,
        terms: ChangeContext,
    ) -> Result<Result<Committed<Redeemed>, NotRedeemed>, StorageError> {
        run!(self, write, links::verify_email(&digest, &proof, &terms))
    }

    /// Uses the token of a new address up: puts it in force, ends every session, tells the old one. It takes a session of the
    /// account or its password beside the link.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn change_email(
        &self,
        digest: [u8; 32],
        proof: LinkProof,
        terms: ChangeContext,
    ) -> Result<Result<Committed<Redeemed>, NotRedeemed>, StorageError> {
        run!(self, write, links::change_email(&digest, &proof, &terms))
    }

    /// Uses a report token up: everything ends, and an address that was changed comes back, unless another user has it by now.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn report(
        &self,
        digest: [u8; 32],
        terms: ChangeContext,
    ) -> Result<Result<Committed<Redeemed>, NotRedeemed>, StorageError> {
        run!(self, write, links::report(&digest, &terms))
    }

    /// Ends every kind of credential that a user has; it needs a reset to come back.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn lock_out(
        &self,
        user: UserId,
        terms: ChangeContext,
    ) -> Result<Result<Committed<ChangedUser>, Refused>, StorageError> {
        run!(self, write, user_changes::lock_out(user, &terms))
    }

    /// Stores the token that a mail is about to carry. False: it is void, because a newer one was asked for or, for a reset, the
    /// password was set since; or the user is gone.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn issue_token(
        &self,
        token: NewToken,
        user: UserId,
        terms: Option<ChangeContext>,
    ) -> Result<bool, StorageError> {
        run!(self, write, one_time_tokens::issue(&token, user, terms.as_ref()))
    }

    /// Stores an API key, unless its owner has as many as it may.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn insert_api_key(
        &self,
        new: NewApiKey,
        most: u32,
        terms: ChangeContext,
    ) -> Result<Result<Committed<()>, KeyRefused>, StorageError> {
        run!(self, write, api_keys::insert(&new, i64::from(most), &terms))
    }

    /// A user's API keys, newest first.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn api_keys(&self, owner: UserId) -> Result<Vec<ApiKey>, StorageError> {
        run!(self, read, api_keys::of_user(owner))
    }

    /// Removes a user's API key. False: it has none of that id.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn revoke_api_key(
        &self,
        owner: UserId,
        id: ApiKeyId,
        terms: ChangeContext,
    ) -> Result<bool, StorageError> {
        run!(self, write, api_keys::revoke(owner, id, &terms))
    }

    /// The API key of a digest, with its owner.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn api_key_holder(&self, digest: [u8; 32]) -> Result<Option<KeyHolder>, StorageError> {
        run!(self, look, api_keys::holder(&digest))
    }

    /// Writes down that an API key was used.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn touch_api_key(&self, id: ApiKeyId, now: Timestamp) -> Result<(), StorageError> {
        run!(self, write, api_keys::touch(id, now))
    }
}
