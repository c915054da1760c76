//! Tokens, as the service verifies them: it accepts only tokens that it issued, and returns the claims that it put into them.
//!
//! The first byte of the input selects the modification: none (the input is the whole token), or a change of a part of a genuine token.

#![expect(clippy::panic, reason = "a server that can't be set up ends the run")]

use auth_service::{Caller, Introspection, Registered, Registration, Service, SystemClock, SystemEntropy};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keyward::{Config, Running, Sources};
use secrecy::ExposeSecret;
use std::sync::{Arc, LazyLock};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A server with the shipped settings, and one signed-in user.
struct Fixture {
    runtime: Runtime,
    running: Running,
    access: String,
    refresh: String,
    session: String,
    _folder: TempDir,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(Fixture::new);

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let environment = [
            ("KEYWARD__DATA__DIR", folder.path().display().to_string()),
            ("KEYWARD__SERVER__BIND", "127.0.0.1:0".to_owned()),
            ("KEYWARD__SERVER__WORKERS", "1".to_owned()),
            ("KEYWARD__PASSWORD__MEMORY_KIB", "64".to_owned()),
            ("KEYWARD__PASSWORD__THREADS", "1".to_owned()),
            ("KEYWARD__LIMITS__ENABLED", "false".to_owned()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
        let config = Config::load(&Sources {
            environment,
            ..Sources::default()
        })
        .expect("a configuration");
        let runtime = Runtime::new().expect("a runtime");
        let (running, tokens) = runtime.block_on(async {
            let running = keyward::start(config, Arc::new(SystemClock::default()), Arc::new(SystemEntropy))
                .await
                .expect("a server");
            let caller = Caller::operator(running.service().now().expect("a clock"));
            let ada = Registration {
                email: "ada@example.com".to_owned(),
                password: "correct horse battery staple".to_owned().into(),
                name: None,
            };
            let registered = running.service().register(&caller, ada).await.expect("a user");
            let Registered::SignIn(step) = registered else {
                panic!("no address has to be verified here");
            };
            (running, step.done().expect("tokens"))
        });
        Self {
            runtime,
            running,
            access: tokens.access_token.expose_secret().to_owned(),
            refresh: tokens.refresh_token.expose_secret().to_owned(),
            session: tokens.session.to_string(),
            _folder: folder,
        }
    }

    fn service(&self) -> &Service {
        self.running.service()
    }
}

/// Checks the properties of this module for an input.
///
/// # Panics
/// If a property does not hold.
pub fn check(input: &[u8]) {
    let fixture = &*FIXTURE;
    let (chosen, rest) = crate::choice(input);
    let genuine = if chosen & 1 == 0 {
        &fixture.access
    } else {
        &fixture.refresh
    };
    let token = match (chosen >> 1) % 6 {
        0 => crate::text(rest).to_owned(),
        1 => edited(genuine, rest),
        part @ (2..=4) => with_part(genuine, usize::from(part) - 2, &URL_SAFE_NO_PAD.encode(rest)),
        _ => with_part(genuine, rest.len() % 3, crate::text(rest)),
    };
    let now = fixture.service().now().expect("a clock");
    let (introspected, signed_in) = fixture.runtime.block_on(async {
        let introspected = fixture.service().introspect(&token, now).await;
        (
            introspected.expect("no input makes the store fail"),
            fixture.service().authenticate(&token, now).await,
        )
    });
    match introspected {
        Introspection::Inactive => assert!(signed_in.is_err(), "inactive, but accepted: {token}"),
        Introspection::Access(claims) => {
            assert_eq!(claims.sid.to_string(), fixture.session);
            assert_eq!(
                (claims.email.as_str(), claims.role.as_str()),
                ("ada@example.com", "user")
            );
            assert_eq!(
                body(&token),
                body(&fixture.access),
                "modified, but accepted: {token}"
            );
            assert!(signed_in.is_ok_and(|principal| principal.session() == claims.sid));
        }
        Introspection::Refresh { claims, .. } => {
            assert_eq!(claims.sid.to_string(), fixture.session);
            assert_eq!(
                body(&token),
                body(&fixture.refresh),
                "modified, but accepted: {token}"
            );
            assert!(signed_in.is_err(), "a refresh token is not an access token");
        }
    }
    let genuine_after = fixture
        .runtime
        .block_on(fixture.service().authenticate(&fixture.access, now));
    assert!(
        genuine_after.is_ok(),
        "the genuine token stays valid whatever else is sent"
    );
}

/// The signed part of a token: its header and claims.
fn body(token: &str) -> Option<&str> {
    token.rsplit_once('.').map(|(body, _)| body)
}

/// The token with single bytes changed, at the positions and to the values in the input.
fn edited(token: &str, edits: &[u8]) -> String {
    let mut bytes = token.as_bytes().to_vec();
    for edit in edits.chunks_exact(3) {
        let [high, low, value] = [0, 1, 2].map(|at| edit.get(at).copied().unwrap_or_default());
        let at = usize::from(u16::from_be_bytes([high, low])) % bytes.len();
        if let Some(byte) = bytes.get_mut(at) {
            *byte = value & 0x7F;
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// The token with another header, other claims or another signature.
fn with_part(token: &str, part: usize, other: &str) -> String {
    let mut parts: Vec<&str> = token.split('.').collect();
    if let Some(place) = parts.get_mut(part) {
        *place = other;
    }
    parts.join(".")
}
