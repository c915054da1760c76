//! Composes mails: who the recipient is, which links a mail carries, and what it may say.

use super::MailWorker;
use crate::parts::{caller::Caller, entropy::random_bytes, failure::Failure};
use auth_domain::{
    audit::Actor,
    device::{device_name, recognised_device_name},
    email::EmailAddress,
    ids::UserId,
    mail::{Link, MailKind},
    one_time::TokenKind,
    role::Role,
    session::Origin,
    time::{Span, Timestamp},
    user::{DisplayName, User, UserStatus},
};
use auth_limits::Permit;
use auth_mail::{Letter, MailFacts};
use auth_storage::{
    outbox,
    registrations::VerificationMail,
    users::{self, Credentials},
};
use chrono::SecondsFormat;
use secrecy::{ExposeSecret, SecretString};

/// The result of composing a mail.
pub(super) enum Composed {
    Letter(Box<Letter>),
    NothingToSend,
    LinkExpired,
}

impl MailWorker {
    /// Looks up the recipient of the mail, and stores the tokens that its links carry.
    pub(super) async fn compose(&self, mail: &outbox::Claimed) -> Result<Composed, Failure> {
        let named = mail.recipient.as_deref().map(EmailAddress::parse).transpose();
        let Ok(mut named) = named else {
            return Ok(Composed::NothingToSend);
        };
        let settled;
        let mail = match (mail.user, mail.kind, &named) {
            (None, MailKind::EmailVerification, Some(address)) => {
                settled = self.settle_verification(mail, address.clone()).await?;
                let Some(settled) = &settled else {
                    return Ok(Composed::NothingToSend);
                };
                // From here on it is a mail to a user, and is sent to the stored address.
                named = None;
                settled
            }
            _ => mail,
        };
        let credentials = match (mail.user, &named) {
            (Some(user), _) => self.storage().credentials_of(user).await?,
            (None, Some(address)) => self.storage().credentials(address).await?,
            (None, None) => None,
        };
        let Some(credentials) = credentials else {
            // The notice of a deletion is sent to a user whose row no longer exists.
            return Ok(match named.filter(|_| mail.kind == MailKind::AccountDeleted) {
                Some(to) => self.letter(mail, to, None, MailFacts::default()),
                None => Composed::NothingToSend,
            });
        };
        let mut facts = MailFacts::default();
        let mailed_to = named.as_ref().unwrap_or(&credentials.user.email);
        if let Some(link) = mail.kind.link() {
            if credentials.user.status != UserStatus::Active {
                return Ok(Composed::NothingToSend);
            }
            if mail.kind.has_lapsed(mail.created_at, self.0.checked_clock.now()?) {
                return Ok(Composed::LinkExpired);
            }
            if !self.token_is_usable(mail, link, &credentials, mailed_to).await? {
                return Ok(Composed::NothingToSend);
            }
            facts.link = Some(self.link_url(mail, link));
            facts.valid_for = Some(duration_text(link.token().lifetime()));
        }
        if mail.kind.carries_report_link() {
            // The notice matters more than its link: it is sent even if the token is not usable.
            let _usable = self
                .token_is_usable(mail, Link::Report, &credentials, mailed_to)
                .await?;
            facts.report_link = Some(self.link_url(mail, Link::Report));
        }
        // A mail that was requested for an address as typed is sent to the address as stored.
        let to = named
            .filter(|_| mail.user.is_some())
            .unwrap_or_else(|| credentials.user.email.clone());
        if !self.may_notify(mail, &credentials.user, &to).await? {
            return Ok(Composed::NothingToSend);
        }
        Ok(self.letter(mail, to, Some(&credentials.user), facts))
    }

    /// Decides what a confirmation mail that was requested by address says, and to which user. `None` if it is not sent.
    async fn settle_verification(
        &self,
        mail: &outbox::Claimed,
        address: EmailAddress,
    ) -> Result<Option<outbox::Claimed>, Failure> {
        let token = self
            .0
            .tokens
            .row(mail.id, TokenKind::EmailVerification, mail.created_at);
        // Until the address is confirmed, the user has neither the password nor the name of the registration.
        let user = users::New {
            id: UserId::from_parts(mail.created_at, random_bytes(self.entropy())?),
            email: address,
            name: None,
            role: Role::USER,
            status: UserStatus::Active,
            email_verified_at: None,
            created_at: mail.created_at,
            password_hash: None,
        };
        let context = self
            .0
            .admin
            .change_context(&requester(mail, self.0.checked_clock.now()?))?;
        let (user, kind) = match self
            .storage()
            .decide_verification_mail(token, user, context)
            .await?
        {
            VerificationMail::Confirm(user) => (user, MailKind::EmailVerification),
            VerificationMail::AlreadyRegistered(user) => (user, MailKind::AlreadyRegistered),
            VerificationMail::Nothing => return Ok(None),
        };
        Ok(Some(outbox::Claimed {
            user: Some(user),
            kind,
            recipient: None,
            ..mail.clone()
        }))
    }

    /// Whether a notice may be sent to this address. An address that is not confirmed may be another person's, and an attacker who
    /// registered with it could flood it.
    async fn may_notify(
        &self,
        mail: &outbox::Claimed,
        user: &User,
        to: &EmailAddress,
    ) -> Result<bool, Failure> {
        if mail.kind.carries_link() || user.email_verified_at.is_some() || mail.attempts > 1 {
            return Ok(true);
        }
        let name = self.0.account_digests.of(&format!("notice {}", to.key()));
        let permit = [Permit::mail_to(name)];
        Ok(self
            .0
            .limits
            .take(&permit, self.0.checked_clock.now()?)
            .await
            .is_granted())
    }

    /// Whether the token of a mail's link is usable. Some tokens are created here, when the mail is sent.
    async fn token_is_usable(
        &self,
        mail: &outbox::Claimed,
        link: Link,
        credentials: &Credentials,
        to: &EmailAddress,
    ) -> Result<bool, Failure> {
        let user = &credentials.user;
        let mut row = self.0.tokens.row(mail.id, link.token(), mail.created_at);
        match link {
            Link::ConfirmAddress | Link::ConfirmNewAddress => {
                // Its token was created together with the mail, and may have been revoked since.
                let now = self.0.checked_clock.now()?;
                let found = self
                    .storage()
                    .one_time_token(link.token(), row.digest, now)
                    .await?;
                Ok(found.is_some())
            }
            Link::ChoosePassword => {
                if credentials
                    .password_changed_at
                    .is_some_and(|since| since > mail.created_at)
                {
                    return Ok(false);
                }
                row.email = Some(user.email.clone());
                let context = match mail.user {
                    None => Some(
                        self.0
                            .admin
                            .change_context(&requester(mail, self.0.checked_clock.now()?))?,
                    ),
                    Some(_) => None,
                };
                Ok(self.storage().issue_token(row, user.id, context).await?)
            }
            Link::Report => {
                // The report restores the address that the notice was sent to.
                row.email = Some(to.clone());
                Ok(self.storage().issue_token(row, user.id, None).await?)
            }
        }
    }

    fn link_url(&self, mail: &outbox::Claimed, link: Link) -> SecretString {
        let token = self.0.tokens.token(mail.id, link.token());
        let (base, page) = (&self.config().link_base, link.page());
        format!("{base}/{page}?token={}", token.expose_secret()).into()
    }

    /// Fills in the mail. An attacker who registers with another person's address, or requests mail to it, chooses a name and a
    /// User-Agent: a mail to an address that is not confirmed contains neither. In such a mail a device has one of our own names or
    /// none; an IP address can't carry text. The content of the notice that goes to the old address after a change was decided when
    /// the mail was queued.
    fn letter(
        &self,
        mail: &outbox::Claimed,
        to: EmailAddress,
        user: Option<&User>,
        facts: MailFacts,
    ) -> Composed {
        let fact = |name: &str| mail.facts.get(name).cloned();
        let confirmed = user.filter(|user| user.email_verified_at.is_some() && user.email.key() == to.key());
        let name = confirmed.and_then(|user| user.name.as_ref());
        let settled = confirmed.is_some() || mail.kind == MailKind::EmailChanged;
        Composed::Letter(Box::new(Letter {
            kind: mail.kind,
            to,
            id: mail.id.as_uuid(),
            date: mail.created_at,
            language: None,
            facts: MailFacts {
                service_name: self.config().service_name.clone(),
                name: name.map(|name: &DisplayName| name.as_str().to_owned()),
                device: fact("user_agent").and_then(|agent| match confirmed {
                    Some(_) => Some(device_name(&agent)),
                    None => recognised_device_name(&agent),
                }),
                ip: fact("ip"),
                at: Some(time_text(mail.created_at)),
                new_email: fact("new_email").filter(|_| settled),
                ..facts
            },
        }))
    }
}

/// The caller who requested a mail by address, as far as the row names them. The audit event has the present time: the audit log
/// accepts no event of the past.
fn requester(mail: &outbox::Claimed, now: Timestamp) -> Caller {
    let ip = mail.facts.get("ip").and_then(|ip| ip.parse().ok());
    Caller {
        now,
        actor: Actor::Anonymous,
        origin: Origin::new(ip, None),
        request_id: None,
        evidence: None,
        device: None,
    }
}

fn duration_text(span: Span) -> String {
    match span.num_hours() {
        1 => "1 hour".to_owned(),
        hours => format!("{hours} hours"),
    }
}

fn time_text(at: Timestamp) -> String {
    let text = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    text.replacen('T', " ", 1).replacen('Z', " UTC", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_readable() {
        let at = chrono::DateTime::from_timestamp(0, 5_000).unwrap();
        assert_eq!(time_text(at), "1970-01-01 00:00:00 UTC");
        assert_eq!(
            [Link::ChoosePassword, Link::ConfirmNewAddress]
                .map(|link| duration_text(link.token().lifetime())),
            ["1 hour", "24 hours"]
        );
    }
}
