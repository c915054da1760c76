//! A service for unit tests, over a database of its own.

use crate::{
    DatabaseRevocations, MasterKey, ServiceParts, SystemClock, SystemEntropy,
    parts::{clock::Clock as _, config::for_tests::signing_with},
    service::Service,
};
use auth_blacklist::{Blacklist, BlacklistConfig, Nodes};
use auth_domain::keys::Algorithm;
use auth_limits::{Limits, LimitsConfig};
use auth_mail::{MailConfig, Mailer};
use auth_storage::{DatabaseConfig, Storage};
use std::sync::Arc;

/// A password that the policy accepts.
pub(crate) const PASSWORD: &str = "violet kettle 41 harbour";

/// A service without limits, whose files are in this folder.
pub(crate) async fn service(folder: &tempfile::TempDir) -> Service {
    let storage = Storage::open(&DatabaseConfig {
        url: format!("sqlite://{}", folder.path().join("a.db").display()).into(),
        ..DatabaseConfig::default()
    })
    .await
    .unwrap();
    storage.migrate_up().await.unwrap();
    let clock = Arc::new(SystemClock::default());
    let ticking = Arc::clone(&clock);
    let blacklist = Blacklist::start(
        BlacklistConfig::default(),
        Arc::new(DatabaseRevocations::new(storage.clone())),
        None,
        Nodes::One,
        Arc::new(move || ticking.now()),
    );
    let limits = LimitsConfig {
        enabled: false,
        ..LimitsConfig::default()
    };
    let mail = MailConfig {
        folder: Some(folder.path().join("mail")),
        ..MailConfig::default()
    };
    Service::start(ServiceParts {
        storage,
        blacklist: blacklist.await.unwrap(),
        limits: Limits::new(limits, None),
        mailer: Mailer::start(&mail).unwrap(),
        master_key: MasterKey::from_bytes([7; 32]),
        config: signing_with(Algorithm::HS256),
        entropy: Arc::new(SystemEntropy),
        clock,
        subscribers: Vec::new(),
    })
    .await
    .unwrap()
}
