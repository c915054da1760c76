//! What a hash and a token cost, through the use cases, over a SQLite file in a temporary folder.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench that can't go on ends")]

use auth_blacklist::{Blacklist, BlacklistConfig, Nodes};
use auth_domain::{
    keys::Algorithm, password::PasswordPolicy, password_hash::Argon2Params, role::RoleBook,
    rotation::OnConcurrent,
};
use auth_limits::{Limits, LimitsConfig};
use auth_mail::{MailConfig, Mailer};
use auth_service::{
    AuditConfig, Caller, Clock, DatabaseRevocations, HashingConfig, MasterKey, OauthConfig, Registered,
    Registration, RegistrationConfig, RotationConfig, Service, ServiceConfig, ServiceParts, SessionConfig,
    SystemClock, SystemEntropy, Tokens, TokensConfig,
};
use auth_storage::{DatabaseConfig, Storage};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use secrecy::ExposeSecret;
use std::{sync::Arc, time::Duration};
use tokio::runtime::Runtime;

const PASSWORD: &str = "violet kettle 41 harbour";

/// The shipped settings.
fn config() -> ServiceConfig {
    ServiceConfig {
        issuer: "http://127.0.0.1:8080".to_owned(),
        issuer_follows_bind: false,
        service_name: "Keyward".to_owned(),
        tokens: TokensConfig {
            audience: "keyward".to_owned(),
            access_ttl: Duration::from_secs(3600),
            refresh_ttl: Duration::from_secs(30 * 86_400),
            leeway: Duration::from_secs(5),
            algorithm: Algorithm::ES256,
            secret: String::new().into(),
        },
        session: SessionConfig {
            max_lifetime: Duration::from_secs(365 * 86_400),
            max_per_user: 100,
        },
        rotation: RotationConfig {
            retry_window: Duration::from_secs(30),
            reuse_leeway: Duration::from_secs(10),
            on_concurrent: OnConcurrent::Refuse,
        },
        password: PasswordPolicy::default(),
        argon2: Argon2Params::default(),
        hashing: HashingConfig {
            threads: 0,
            queue: 64,
            deadline: Duration::from_secs(5),
        },
        registration: RegistrationConfig {
            open: true,
            require_verified_email: false,
            internationalised_addresses: true,
        },
        oauth: OauthConfig { password_grant: true },
        audit: AuditConfig {
            retention: Duration::from_secs(400 * 86_400),
            record_refreshes: false,
        },
        roles: RoleBook::default(),
        link_base: "http://127.0.0.1:8080".to_owned(),
        print_links: false,
    }
}

fn caller(service: &Service) -> Caller {
    Caller::operator(service.now().unwrap())
}

async fn start(folder: &tempfile::TempDir) -> (Service, Tokens) {
    let url = format!("sqlite://{}", folder.path().join("bench.db").display());
    let database = serde_json::json!({
        "url": url, "pool_size": 4, "queue": 1024, "acquire_timeout": "5s", "prepared_statements": true,
    });
    let database: DatabaseConfig = serde_json::from_value(database).unwrap();
    let storage = Storage::open(&database).await.unwrap();
    storage.migrate_up().await.unwrap();
    let clock = Arc::new(SystemClock::default());
    let ticking = Arc::clone(&clock);
    let source = Arc::new(DatabaseRevocations::new(storage.clone()));
    let blacklist = Blacklist::start(
        BlacklistConfig::default(),
        source,
        None,
        Nodes::One,
        Arc::new(move || ticking.now()),
    );
    let blacklist = blacklist.await.unwrap();
    let master_key = MasterKey::from_bytes([7; 32]);
    let limits = LimitsConfig {
        enabled: false,
        ..LimitsConfig::default()
    };
    let mail = MailConfig {
        folder: Some(folder.path().join("mail")),
        ..MailConfig::default()
    };
    let parts = ServiceParts {
        storage,
        blacklist,
        limits: Limits::new(limits, None),
        mailer: Mailer::start(&mail).unwrap(),
        master_key,
        config: config(),
        entropy: Arc::new(SystemEntropy),
        clock,
        subscribers: Vec::new(),
    };
    let service = Service::start(parts).await.unwrap();
    let wanted = Registration {
        email: "ada@example.com".to_owned(),
        password: PASSWORD.into(),
        name: None,
    };
    match service.register(&caller(&service), wanted).await.unwrap() {
        Registered::SignIn(step) => (service, step.done().unwrap()),
        Registered::VerificationPending => panic!("no address has to be verified here"),
    }
}

fn costs(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (service, tokens) = runtime.block_on(start(&folder));
    let access = tokens.access_token.expose_secret().to_owned();

    c.bench_function("authenticate: a known token", |b| {
        b.to_async(&runtime).iter(|| async {
            service
                .authenticate(&access, service.now().unwrap())
                .await
                .unwrap()
        });
    });
    c.bench_function("me: authenticate and one read", |b| {
        b.to_async(&runtime).iter(|| async {
            let principal = service
                .authenticate(&access, service.now().unwrap())
                .await
                .unwrap();
            service.me(&principal).await.unwrap()
        });
    });
    let mut refresh = tokens.refresh_token.expose_secret().to_owned();
    c.bench_function("refresh: rotate durably and sign both", |b| {
        b.iter(|| {
            let next = runtime
                .block_on(service.refresh(&caller(&service), &refresh, None))
                .unwrap();
            refresh = next.refresh_token.expose_secret().to_owned();
        });
    });
    let mut group = c.benchmark_group("hash");
    group.sample_size(20);
    group.bench_function("login: verify Argon2id, insert the session, sign both", |b| {
        b.iter_batched(
            || caller(&service),
            |caller| {
                runtime
                    .block_on(service.login(&caller, "ada@example.com", PASSWORD.into()))
                    .unwrap()
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("login: an address that is not known", |b| {
        b.iter(|| {
            runtime
                .block_on(service.login(&caller(&service), "bob@example.com", PASSWORD.into()))
                .is_err()
        });
    });
    group.finish();
    runtime.block_on(service.stop());
}

criterion_group!(benches, costs);
criterion_main!(benches);
