//! Tokens, as the service verifies them: of all the texts there are, it takes those that it gave out, and says of them what it
//! put into them.
//!
//! The input's first byte chooses what is bent: nothing (the input is the whole text), or a part of a genuine token.

#![expect(clippy::panic, reason = "a world that can not be made ends its run")]

use auth_service::{Caller, Introspection, Registered, Registration, Service, SystemClock, SystemEntropy};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keyward::{Config, Running, Sources};
use secrecy::ExposeSecret;
use std::sync::{Arc, LazyLock};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A server of the shipped settings, with one user who is signed in.
struct World {
    runtime: Runtime,
    running: Running,
    access: String,
    refresh: String,
    session: String,
    _folder: TempDir,
}

static WORLD: LazyLock<World> = LazyLock::new(World::new);

impl World {
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
            let caller = Caller::operator(running.service().moment().expect("a clock"));
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

/// See the module.
///
/// # Panics
/// If a property is lost.
pub fn check(input: &[u8]) {
    let world = &*WORLD;
    let (chosen, rest) = crate::choice(input);
    let genuine = if chosen & 1 == 0 {
        &world.access
    } else {
        &world.refresh
    };
    let token = match (chosen >> 1) % 6 {
        0 => crate::text(rest).to_owned(),
        1 => edited(genuine, rest),
        part @ (2..=4) => with_part(genuine, usize::from(part) - 2, &URL_SAFE_NO_PAD.encode(rest)),
        _ => with_part(genuine, rest.len() % 3, crate::text(rest)),
    };
    let now = world.service().moment().expect("a clock");
    let (said, signed_in) = world.runtime.block_on(async {
        let said = world.service().introspect(&token, now).await;
        (
            said.expect("no input is a failure of the store"),
            world.service().authenticate(&token, now).await,
        )
    });
    match said {
        Introspection::Inactive => assert!(signed_in.is_err(), "inactive, and lets in: {token}"),
        Introspection::Access(claims) => {
            assert_eq!(claims.sid.to_string(), world.session);
            assert_eq!(
                (claims.email.as_str(), claims.role.as_str()),
                ("ada@example.com", "user")
            );
            assert_eq!(body(&token), body(&world.access), "bent, and taken: {token}");
            assert!(signed_in.is_ok_and(|principal| principal.session() == claims.sid));
        }
        Introspection::Refresh { claims, .. } => {
            assert_eq!(claims.sid.to_string(), world.session);
            assert_eq!(body(&token), body(&world.refresh), "bent, and taken: {token}");
            assert!(signed_in.is_err(), "a refresh token opens nothing");
        }
    }
    let kept = world
        .runtime
        .block_on(world.service().authenticate(&world.access, now));
    assert!(kept.is_ok(), "the genuine token is good whatever else is sent");
}

/// What is signed of a token: its header and claims.
fn body(token: &str) -> Option<&str> {
    token.rsplit_once('.').map(|(body, _)| body)
}

/// Single bytes changed: places and values, as the input has them.
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
