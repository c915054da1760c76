//! A complete server in this process, on a free port, with a clock that the test moves.

use crate::{Answer, Backend, Browser, Client, Database, Mail, PASSWORD, TestClock, mail};
use auth_api::app::routes::Listener;
use auth_domain::{audit::Actor, time::Span};
use auth_service::{Caller, Clock, NewUser, Principal, SystemEntropy};
use keyward::config::{Config, Sources};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

/// The settings of a server that is not started yet.
pub struct Builder {
    database: Arc<Database>,
    settings: BTreeMap<String, String>,
    clock: TestClock,
}

/// A running server.
pub struct TestApp {
    /// The clock that it reads.
    pub clock: TestClock,
    /// Where its data is.
    pub database: Arc<Database>,
    settings: BTreeMap<String, String>,
    running: keyward::Running,
}

/// A signed-in user.
pub struct User {
    /// A client with the access token.
    pub client: Client,
    /// The email address.
    pub email: String,
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    /// The id.
    pub id: String,
}

impl Builder {
    /// A server on a new database, with hashes that cost next to nothing.
    #[must_use]
    pub fn new(backend: Backend) -> Self {
        Self::on(Arc::new(Database::create(backend)), TestClock::starting_now())
    }

    fn on(database: Arc<Database>, clock: TestClock) -> Self {
        let settings = [
            ("server.bind", "127.0.0.1:0"),
            ("server.workers", "1"),
            ("password.memory_kib", "64"),
            ("password.iterations", "1"),
            ("password.threads", "1"),
            ("database.pool_size", "2"),
            // All clients here have the same IP address, so the limits are off. Tests of the limits turn them on.
            ("limits.enabled", "false"),
        ];
        let settings = settings
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        Self {
            database,
            settings,
            clock,
        }
    }

    /// Sets a configuration key, such as `tokens.access_ttl`.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Starts its clock some time in the past.
    #[must_use]
    pub fn ago(self, span: Span) -> Self {
        self.clock.advance(-span);
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(self) -> TestApp {
        let mut environment: BTreeMap<String, String> = self.database.environment().into_iter().collect();
        for (key, value) in &self.settings {
            environment.insert(
                format!("KEYWARD__{}", key.to_uppercase().replace('.', "__")),
                value.clone(),
            );
        }
        let config = Config::load(&Sources {
            environment,
            ..Sources::default()
        })
        .unwrap_or_else(|error| panic!("{error}"));
        let running = keyward::start(config, Arc::new(self.clock.clone()), Arc::new(SystemEntropy))
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        TestApp {
            clock: self.clock,
            database: self.database,
            settings: self.settings,
            running,
        }
    }
}

impl TestApp {
    /// A server with the shipped settings on a new database.
    pub async fn start(backend: Backend) -> Self {
        Builder::new(backend).start().await
    }

    /// Another node on the same database, with the same settings and the same clock.
    pub async fn another_node(&self) -> Self {
        let mut builder = Builder::on(Arc::clone(&self.database), self.clock.clone());
        builder.settings.clone_from(&self.settings);
        builder.start().await
    }

    /// The same server after a restart.
    pub async fn restarted(self) -> Self {
        let mut builder = Builder::on(Arc::clone(&self.database), self.clock.clone());
        builder.settings.clone_from(&self.settings);
        self.running.stop().await;
        builder.start().await
    }

    /// Restarts the server without one of its settings.
    pub async fn without(mut self, key: &str) -> Self {
        self.settings.remove(key);
        self.restarted().await
    }

    /// Restarts the server with one additional setting.
    pub async fn with(mut self, key: &str, value: &str) -> Self {
        self.settings.insert(key.to_owned(), value.to_owned());
        self.restarted().await
    }

    /// The origin that it listens on.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.running.addr())
    }

    /// The origin of one of its listeners, if it listens there.
    #[must_use]
    pub fn origin_of(&self, listener: Listener) -> Option<String> {
        let address = match listener {
            Listener::Clients => Some(self.running.addr()),
            Listener::Operators => self.running.admin_addr(),
        };
        address.map(|address| format!("http://{address}"))
    }

    /// A client without a token.
    #[must_use]
    pub fn anonymous(&self) -> Client {
        Client::new(&self.origin())
    }

    /// A browser without cookies.
    #[must_use]
    pub fn browser(&self) -> Browser {
        Browser::new(&self.origin())
    }

    /// A browser with a signed-in user.
    ///
    /// # Panics
    /// If that fails.
    pub async fn browser_of(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        browser.sign_in(email, PASSWORD).await.expect(303);
        browser
    }

    /// The server itself, for state that only an operator sees.
    #[must_use]
    pub fn running(&self) -> &keyward::Running {
        &self.running
    }

    /// Registers the user `name@example.com` with [`PASSWORD`].
    ///
    /// # Panics
    /// If that fails.
    pub async fn user(&self, name: &str) -> User {
        let email = format!("{name}@example.com");
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = self.anonymous().post("/register", &body).await.expect(201);
        self.signed_in(&email, &answer)
    }

    /// Signs a user in again.
    ///
    /// # Panics
    /// If that fails.
    pub async fn login(&self, email: &str) -> User {
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = self.anonymous().post("/login", &body).await.expect(200);
        self.signed_in(email, &answer)
    }

    /// Creates a user of a role and signs them in: `name@example.com` with [`PASSWORD`].
    ///
    /// # Panics
    /// If that fails.
    pub async fn user_of_role(&self, name: &str, role: &str) -> User {
        let account = NewUser {
            email: format!("{name}@example.com"),
            password: Some(PASSWORD.to_owned().into()),
            name: None,
            role: role.to_owned(),
            email_verified: true,
        };
        let service = self.service();
        let made = service.admin().create_user(account, &self.operator()).await;
        let user = made.unwrap().settle(service).await;
        self.login(user.email.as_str()).await
    }

    /// Creates an administrator and signs them in.
    pub async fn admin(&self, name: &str) -> User {
        self.user_of_role(name, "admin").await
    }

    /// The use cases, as the operator's commands call them.
    #[must_use]
    pub fn service(&self) -> &auth_service::Service {
        self.running.service()
    }

    /// The operator, now.
    #[must_use]
    pub fn operator(&self) -> Caller {
        Caller::operator(self.clock.now())
    }

    /// An anonymous caller, now.
    #[must_use]
    pub fn anonymous_caller(&self) -> Caller {
        self.operator().authenticated_as(Actor::Anonymous)
    }

    /// Who an access token signs in, and the call of a change that it makes now.
    ///
    /// # Panics
    /// If the token does not hold.
    pub async fn acting(&self, access: &str) -> (Principal, Caller) {
        let now = self.clock.now();
        let principal = self.service().authenticate(access, now).await.unwrap();
        let caller = self.operator().signed_in(&principal);
        (principal, caller)
    }

    /// Every mail that was sent to an email address so far, the oldest first. Due mails are sent before.
    ///
    /// # Panics
    /// If the mails can't be sent or read.
    pub async fn mails_to(&self, email: &str) -> Vec<Mail> {
        self.service().deliver_mail().await.unwrap();
        mail::in_folder(&self.database.folder.path().join("mail"))
            .into_iter()
            .filter(|mail| mail.to == email)
            .collect()
    }

    /// The newest mail to an email address that contains this text.
    ///
    /// # Panics
    /// If there is none.
    pub async fn mail_containing(&self, email: &str, what: &str) -> Mail {
        let mails = self.mails_to(email).await;
        let newest = mails.iter().rfind(|mail| mail.text.contains(what));
        newest
            .cloned()
            .unwrap_or_else(|| panic!("no mail to {email} says {what:?}: {mails:#?}"))
    }

    /// The token of the newest link to a page (`reset`, `verify-email`, `not-me`) that was sent to an email address.
    pub async fn link_to(&self, email: &str, page: &str) -> String {
        self.mail_containing(email, &format!("/{page}?token="))
            .await
            .token(page)
    }

    /// Who a token answer signs in.
    ///
    /// # Panics
    /// If it is no token answer.
    #[must_use]
    pub fn signed_in(&self, email: &str, answer: &Answer) -> User {
        let access = answer.field("access_token");
        User {
            client: self.anonymous().with_bearer(&access),
            email: email.to_owned(),
            refresh: answer.field("refresh_token"),
            id: answer.json()["user"]["id"].as_str().unwrap().to_owned(),
            access,
        }
    }

    /// Refreshes with a token.
    pub async fn refresh(&self, token: &str) -> Answer {
        self.anonymous()
            .post("/refresh", &json!({ "refresh_token": token }))
            .await
    }
}
