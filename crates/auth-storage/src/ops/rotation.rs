//! Carries out a refresh (docs/rules.md §3). The rule: the session is loaded, the domain decides, and a write takes effect only if the
//! session and its user are still those that the decision was based on.
//!
//! It takes two round trips: one read, and one update that is committed by itself. Only a reuse needs a transaction, for its revocation.

use super::{
    Conn, committed, committed_singly,
    sessions::{mark_ended, revocation_of, session_with_user},
    side_effects::{AuditEntry, OutboxMail, SideEffects},
    transaction,
};
use crate::{
    committed::Committed,
    context::ChangeContext,
    fault::Fault,
    prepared::Prepare as _,
    schema::{sessions, users},
    sessions::{Rotated, SessionRow},
    sqlty::{Id, Ts},
};
use auth_domain::{
    audit::Action,
    ids::SessionId,
    lineage::Rotation,
    mail::MailKind,
    rotation::{Decision, LineageStanding, Presented, RotationPolicy, decide},
    session::{EndReason, Session},
    user::{User, UserStatus},
};
use diesel::{
    dsl::{case_when, exists},
    prelude::*,
};

/// How often a decision is repeated after concurrent requests changed the session.
const RETRIES: u32 = 3;

/// Decides about a presented refresh token and carries the decision out. `None`: there is no such session. An `audited`
/// refresh gets a row of the audit log, so it needs a transaction, and a further round trip.
pub(crate) fn rotate(
    c: &mut Conn,
    id: SessionId,
    presented: &Presented,
    policy: &RotationPolicy,
    audited: bool,
    context: &ChangeContext,
) -> Result<Committed<Option<Rotated>>, Fault> {
    if audited {
        return committed(c, context, |c, effects| {
            decide_and_write(c, id, presented, policy, true, effects)
        });
    }
    committed_singly(c, context, |c, effects| {
        decide_and_write(c, id, presented, policy, false, effects)
    })
}

fn decide_and_write(
    c: &mut Conn,
    id: SessionId,
    presented: &Presented,
    policy: &RotationPolicy,
    audited: bool,
    effects: &mut SideEffects<'_>,
) -> Result<Option<Rotated>, Fault> {
    for _ in 0..=RETRIES {
        let Some((session, user)) = session_with_user(c, id)? else {
            return Ok(None);
        };
        let standing = LineageStanding {
            lineage: session.lineage(),
            status: user.status,
            generation: user.generation,
        };
        let decision = decide(standing, presented, effects.context.now, policy);
        let rotated = |session, ended| {
            Ok(Some(Rotated {
                decision,
                session,
                user: user.clone(),
                ended,
            }))
        };
        let written = match decision {
            Decision::Rotate { next } => write_rotation(c, &session, &user, &next)?,
            Decision::Repeat { access_until } => {
                let same = Rotation {
                    access_until,
                    ..session.rotation
                };
                write_rotation(c, &session, &user, &same)?
            }
            Decision::Reuse => {
                // An audited refresh is already in a transaction, and on PostgreSQL none can begin within another.
                let ended = if audited {
                    end_reused(c, id, effects)
                } else {
                    transaction(c, |c| end_reused(c, id, effects))
                };
                match ended? {
                    Some(session) => return rotated(session, true),
                    None => None,
                }
            }
            Decision::Invalid | Decision::Expired | Decision::Revoked | Decision::AlreadyUsed => {
                Some(session)
            }
        };
        if let Some(session) = written {
            if audited && matches!(decision, Decision::Rotate { .. } | Decision::Repeat { .. }) {
                let entry = AuditEntry::of(Action::Refreshed)
                    .by_subject(session.user)
                    .session(session.id);
                effects.audit(c, entry.with("number", session.rotation.number))?;
            }
            return rotated(session, false);
        }
    }
    Err(Fault::Contended)
}

/// Writes a rotation, if the session and its user are still those that the decision was based on. If the session has ended or was carried
/// over to another generation meanwhile, nothing is written: a concurrent refresh never restores a session.
fn write_rotation(
    c: &mut Conn,
    from: &Session,
    user: &User,
    next: &Rotation,
) -> Result<Option<Session>, Fault> {
    use sessions as s;
    let same_user = users::table
        .find(Id(user.id.as_uuid()))
        .filter(users::status.eq(UserStatus::Active.as_str()))
        .filter(users::token_generation.eq(user.generation.number()));
    let same = s::table
        .find(Id(from.id.as_uuid()))
        .filter(s::rotation.eq(i64::from(from.rotation.number)))
        .filter(s::generation.eq(from.generation.number()))
        .filter(s::ended_at.is_null())
        .filter(exists(same_user));
    let until = Ts(next.access_until);
    let row: Option<SessionRow> = diesel::update(same)
        .set((
            s::rotation.eq(i64::from(next.number)),
            s::rotated_at.eq(Ts(next.rotated_at)),
            s::refresh_expires_at.eq(Ts(next.refresh_expires_at)),
            s::idempotency_digest.eq(next.key.map(|key| key.as_bytes().to_vec())),
            // A concurrent Repeat may have issued an access token that expires a little later.
            s::access_until.eq(
                case_when::<_, _, crate::sqlty::Instant>(s::access_until.lt(until), until)
                    .otherwise(s::access_until),
            ),
        ))
        .returning(SessionRow::as_returning())
        .prepared()
        .get_result(c)
        .optional()?;
    row.map(SessionRow::session).transpose()
}

/// Ends a session whose refresh token was reused. `None`: another call has ended it and reports that.
fn end_reused(c: &mut Conn, id: SessionId, effects: &mut SideEffects<'_>) -> Result<Option<Session>, Fault> {
    let context = effects.context;
    let Some(session) = mark_ended(c, id, EndReason::Reuse, context.now)? else {
        return Ok(None);
    };
    let entry = AuditEntry::of(Action::RefreshTokenReused).about(session.user);
    effects.audit(c, entry.session(session.id))?;
    let agent = session.origin.user_agent.as_deref();
    effects.mail(
        c,
        OutboxMail::to(session.user, MailKind::RefreshTokenReuse).with("user_agent", agent),
    )?;
    effects.revoke(c, revocation_of(&session, context.grace))?;
    Ok(Some(session))
}
