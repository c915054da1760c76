//! What answers look like: the types whose JSON clients see. Times are RFC 3339 in UTC, ids are UUIDs.

use crate::http::{
    cursor::Listed,
    device::{DEVICE_COOKIE, X_DEVICE_TOKEN},
    edge::SeenUser,
    route::Link,
};
use actix_web::{
    HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use auth_domain::{
    device::device_name,
    session::{Session, SessionState},
    time::Timestamp,
    user::User,
};
use auth_service::{KNOWN_FOR, SessionView, Tokens};
use chrono::SecondsFormat;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

/// The header of an answer that makes the device known.
pub const DEVICE_TOKEN: (&str, &str) = (
    "X-Device-Token",
    "What the device shows with its next sign-in; browsers get it as the cookie `__Host-kw_device`.",
);

/// What a pair of tokens is good for.
pub const TOKEN_LINKS: [Link; 7] = [
    Link::at("me", "me", &WITH_ACCESS_TOKEN, "Who it is."),
    Link::at(
        "sessions",
        "listSessions",
        &WITH_ACCESS_TOKEN,
        "The sessions, this one among them.",
    ),
    Link::at(
        "verify",
        "verify",
        &WITH_ACCESS_TOKEN,
        "Whether the access token is good.",
    ),
    Link::at("logout", "logout", &WITH_ACCESS_TOKEN, "Ends the session."),
    Link::at(
        "logoutAll",
        "logoutAll",
        &WITH_ACCESS_TOKEN,
        "Ends every session.",
    ),
    Link::carrying("refresh", "refresh", REFRESH_TOKEN, "The next pair."),
    Link::carrying(
        "logoutByRefreshToken",
        "logout",
        REFRESH_TOKEN,
        "Ends the session without an access token.",
    ),
];

const WITH_ACCESS_TOKEN: [(&str, &str); 1] =
    [("header.Authorization", "Bearer {$response.body#/access_token}")];
const REFRESH_TOKEN: &str = r#"{"refresh_token":"$response.body#/refresh_token"}"#;

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserJson {
    /// The user's id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The address, as stored.
    #[schema(max_length = 254)]
    pub email: String,
    /// The display name.
    #[schema(required)]
    pub name: Option<String>,
    /// The role's name.
    pub role: String,
    /// Whether the user may sign in.
    #[schema(pattern = "^(active|disabled)$")]
    pub status: String,
    /// Whether the address is known to be the user's.
    pub email_verified: bool,
    /// When the account was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When the user last signed in with the password.
    #[schema(required, format = DateTime)]
    pub last_login_at: Option<String>,
}

impl Listed for UserJson {
    const LIST: &str = "UserList";
}

impl From<&User> for UserJson {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.as_str().to_owned(),
            name: user.name.as_ref().map(ToString::to_string),
            role: user.role.to_string(),
            status: user.status.as_str().to_owned(),
            email_verified: user.email_verified_at.is_some(),
            created_at: rfc3339(user.created_at),
            last_login_at: user.last_login_at.map(rfc3339),
        }
    }
}

/// What a sign-in and a refresh give.
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer<'a> {
    /// The access token (RFC 9068).
    pub access_token: &'a str,
    /// The refresh token: it works once.
    pub refresh_token: &'a str,
    /// How the access token is sent.
    #[schema(pattern = "^bearer$")]
    pub token_type: &'static str,
    /// How long the access token lives, in seconds.
    pub expires_in: i64,
    /// How long the refresh token lives, in seconds.
    pub refresh_expires_in: i64,
    /// Whose they are.
    pub user: UserJson,
}

/// The answer of `/token` (RFC 6749 §5.1).
#[derive(Serialize, ToSchema)]
pub struct OauthTokenAnswer<'a> {
    /// The access token.
    pub access_token: &'a str,
    /// How the access token is sent.
    #[schema(pattern = "^bearer$")]
    pub token_type: &'static str,
    /// How long the access token lives, in seconds.
    pub expires_in: i64,
    /// The refresh token: it works once.
    pub refresh_token: &'a str,
}

/// One session: one sign-in on one device.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionJson {
    /// The session's id; it grants nothing.
    #[schema(format = Uuid)]
    pub id: String,
    /// When it began.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was last refreshed.
    #[schema(format = DateTime)]
    pub last_used_at: String,
    /// When it ends if it is not refreshed.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// When it was ended.
    #[schema(required, format = DateTime)]
    pub ended_at: Option<String>,
    /// Why it was ended.
    #[schema(required)]
    pub end_reason: Option<String>,
    /// The address that it was opened from.
    #[schema(required)]
    pub ip: Option<String>,
    /// The user agent that it was opened with.
    #[schema(required)]
    pub user_agent: Option<String>,
    /// A readable name of the device.
    pub device: String,
    /// Whether it is the session of the token that asks.
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
    /// A session as somebody else than its user sees it.
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

/// A sentence.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageJson {
    /// What was done.
    pub message: &'static str,
}

/// What `/logout-all` did.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedOutAllJson {
    /// What was done.
    pub message: &'static str,
    /// How many live sessions ended.
    #[schema(minimum = 0)]
    pub sessions_revoked: u64,
}

/// A moment as answers show it.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The answer to a sign-in or a refresh. Never stored: it carries tokens.
#[must_use]
pub fn token_answer(status: StatusCode, tokens: &Tokens) -> HttpResponse {
    let body = TokenAnswer {
        access_token: tokens.access_token.expose_secret(),
        refresh_token: tokens.refresh_token.expose_secret(),
        token_type: "bearer",
        expires_in: tokens.expires_in,
        refresh_expires_in: tokens.refresh_expires_in,
        user: UserJson::from(&tokens.user),
    };
    seen(HttpResponse::build(status).json(body), tokens)
}

/// The answer of `/token`.
#[must_use]
pub fn oauth_token_answer(tokens: &Tokens) -> HttpResponse {
    let body = OauthTokenAnswer {
        access_token: tokens.access_token.expose_secret(),
        token_type: "bearer",
        expires_in: tokens.expires_in,
        refresh_token: tokens.refresh_token.expose_secret(),
    };
    // RFC 6749 §5.1 asks for both headers; Cache-Control is set on every answer.
    seen(
        HttpResponse::Ok()
            .insert_header(("Pragma", "no-cache"))
            .json(body),
        tokens,
    )
}

fn seen(mut answer: HttpResponse, tokens: &Tokens) -> HttpResponse {
    answer.extensions_mut().insert(SeenUser(tokens.user.id));
    if let Some(token) = &tokens.device_token {
        show_device_token(&mut answer, token);
    }
    answer
}

/// Hands a device its token: as a cookie for browsers, and as a header for whoever keeps none.
pub fn show_device_token(answer: &mut HttpResponse, token: &SecretString) {
    let cookie = Cookie::build(DEVICE_COOKIE, token.expose_secret())
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(KNOWN_FOR.num_seconds()))
        .finish();
    // Both are of base64url's letters, which every header may hold.
    let _set = answer.add_cookie(&cookie);
    if let Ok(value) = HeaderValue::from_str(token.expose_secret()) {
        answer
            .headers_mut()
            .insert(HeaderName::from_static(X_DEVICE_TOKEN), value);
    }
}

/// 204, with a token for the device if there is one.
#[must_use]
pub fn done_by_device(token: Option<&SecretString>) -> HttpResponse {
    let mut answer = HttpResponse::NoContent().finish();
    if let Some(token) = token {
        show_device_token(&mut answer, token);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_domain::{
        authentication::Assurance,
        email::EmailAddress,
        ids::{SessionId, UserId},
        lineage::Lifetimes,
        role::Role,
        session::{EndReason, Origin, Session},
        user::{DisplayName, Generation, UserStatus},
    };
    use chrono::DateTime;
    use serde_json::json;
    use uuid::Uuid;

    fn at(micros: i64) -> Timestamp {
        DateTime::from_timestamp_micros(1_700_000_000_000_000 + micros).unwrap()
    }

    fn ada() -> User {
        User {
            id: UserId::from_uuid(Uuid::from_u128(1)),
            email: EmailAddress::parse("ada@example.com").unwrap(),
            name: Some(DisplayName::parse("Ada").unwrap()),
            role: Role::USER,
            status: UserStatus::Active,
            email_verified_at: None,
            created_at: at(1),
            last_login_at: None,
            generation: Generation::FIRST,
        }
    }

    #[test]
    fn a_user_looks_as_the_contract_says() {
        let shown = serde_json::to_value(UserJson::from(&ada())).unwrap();
        let expected = json!({
            "id": "00000000-0000-0000-0000-000000000001", "email": "ada@example.com", "name": "Ada", "role": "user",
            "status": "active", "email_verified": false, "created_at": "2023-11-14T22:13:20.000001Z", "last_login_at": null
        });
        assert_eq!(shown, expected);
    }

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

    #[actix_web::test]
    async fn a_token_answer_has_the_members_of_the_contract() {
        let tokens = Tokens {
            access_token: "a.b.c".to_owned().into(),
            refresh_token: "d.e.f".to_owned().into(),
            expires_in: 3600,
            refresh_expires_in: 2_592_000,
            user: ada(),
            session: SessionId::from_uuid(Uuid::from_u128(2)),
            device_token: Some("dev".to_owned().into()),
        };
        let answer = token_answer(StatusCode::CREATED, &tokens);
        assert_eq!(answer.status(), 201);
        assert_eq!(answer.headers().get("x-device-token").unwrap(), "dev");
        assert_eq!(
            answer.headers().get("set-cookie").unwrap(),
            "__Host-kw_device=dev; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=15552000"
        );
        let body = actix_web::body::to_bytes(answer.into_body()).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["token_type"], "bearer");
        assert_eq!(body["expires_in"], 3600);
        assert_eq!(body["user"]["email"], "ada@example.com");
        assert_eq!(body.as_object().unwrap().len(), 6);
        assert_eq!(
            oauth_token_answer(&tokens).headers().get("pragma").unwrap(),
            "no-cache"
        );
    }
}
