//! A session as clients see it: one sign-in on one device.

use super::rfc3339;
use crate::http::{
    cursor::Listed,
    problem::{FieldError, Problem},
    query::Query,
};
use auth_domain::{
    device::device_name,
    session::{Session, SessionState},
};
use auth_service::{SessionFilter, SessionView};
use serde::Serialize;
use utoipa::ToSchema;

/// One session: one sign-in on one device.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionJson {
    /// The session's id; it grants nothing.
    #[schema(format = Uuid)]
    pub id: String,
    /// When the session began.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When the session was last refreshed.
    #[schema(format = DateTime)]
    pub last_used_at: String,
    /// When the session expires if it is not refreshed.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// When the session ended.
    #[schema(required, format = DateTime)]
    pub ended_at: Option<String>,
    /// Why the session ended.
    #[schema(required)]
    pub end_reason: Option<String>,
    /// The IP address of the sign-in.
    #[schema(required)]
    pub ip: Option<String>,
    /// The user agent of the sign-in.
    #[schema(required)]
    pub user_agent: Option<String>,
    /// A readable name of the device.
    pub device: String,
    /// Whether it is the session of the token that was sent.
    pub current: bool,
}

impl Listed for SessionJson {
    const LIST: &str = "SessionList";
}

impl From<&SessionView> for SessionJson {
    fn from(view: &SessionView) -> Self {
        Self {
            current: view.current,
            ..Self::from(&view.session)
        }
    }
}

impl From<&Session> for SessionJson {
    /// A session as an administrator sees it.
    fn from(session: &Session) -> Self {
        let (ended_at, end_reason) = match session.state {
            SessionState::Active => (None, None),
            SessionState::Ended { at, why } => (Some(rfc3339(at)), Some(why.as_str().to_owned())),
        };
        Self {
            id: session.id.to_string(),
            created_at: rfc3339(session.created_at),
            last_used_at: rfc3339(session.rotation.rotated_at),
            expires_at: rfc3339(session.rotation.refresh_expires_at),
            ended_at,
            end_reason,
            ip: session.origin.ip.map(|ip| ip.to_string()),
            device: device_name(session.origin.user_agent.as_deref().unwrap_or_default()),
            user_agent: session.origin.user_agent.clone(),
            current: false,
        }
    }
}

/// Which sessions a list holds, from the parameter `status`.
///
/// # Errors
/// 422 for an unknown status, or for two.
pub fn filter(query: Query<'_>) -> Result<SessionFilter, Problem> {
    match query.single("status")?.as_deref() {
        None | Some("active") => Ok(SessionFilter::Active),
        Some("ended") => Ok(SessionFilter::Ended),
        Some("all") => Ok(SessionFilter::All),
        Some(_) => {
            let fault = FieldError::new(
                "status",
                "unknown_status",
                "The status must be active, ended or all.",
            );
            Err(Problem::invalid_input(vec![fault]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::user::tests::{ada, at},
        *,
    };
    use auth_domain::{
        authentication::Assurance,
        ids::SessionId,
        lineage::Lifetimes,
        session::{EndReason, Origin},
        user::Generation,
    };
    use uuid::Uuid;

    #[test]
    fn a_session_looks_as_the_contract_says() {
        let session = Session {
            id: SessionId::from_uuid(Uuid::from_u128(2)),
            user: ada().id,
            generation: Generation::FIRST,
            created_at: at(0),
            rotation: Lifetimes::default().first_rotation(at(0)),
            state: SessionState::Ended {
                at: at(5),
                why: EndReason::Logout,
            },
            origin: Origin {
                ip: Some("192.0.2.7".parse().unwrap()),
                user_agent: None,
            },
            assurance: Assurance::by_password(at(0)),
            authentications: 1,
        };
        let shown = serde_json::to_value(SessionJson::from(&SessionView {
            session,
            live: false,
            current: true,
        }))
        .unwrap();
        assert_eq!(shown["ended_at"], "2023-11-14T22:13:20.000005Z");
        assert_eq!(shown["end_reason"], "logout");
        assert_eq!(shown["ip"], "192.0.2.7");
        assert_eq!(shown["user_agent"], serde_json::Value::Null);
        assert_eq!(shown["current"], true);
        assert_eq!(shown["expires_at"], "2023-12-14T22:13:20.000000Z");
        assert_eq!(shown.as_object().unwrap().len(), 10);
    }

    #[test]
    fn a_status_is_active_ended_or_all() {
        for (query, expected) in [
            ("", SessionFilter::Active),
            ("status=active", SessionFilter::Active),
            ("status=ended", SessionFilter::Ended),
            ("status=all", SessionFilter::All),
        ] {
            let found = filter(Query::of(query)).ok().unwrap();
            assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{query}");
        }
        assert!(filter(Query::of("status=")).is_err());
        assert!(filter(Query::of("status=all&status=ended")).is_err());
    }
}
