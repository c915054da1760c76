//! The transport that sends: SMTP by lettre's client, one mail at a time on each connection.
//!
//! The pool is our own, because of one case: a delivery that is given up in the middle (a server that hangs, a caller that is
//! stopped) leaves a connection on which the answer to the last command is still to come. lettre's pool would hand it out
//! again, and from then on every answer would be taken for the next command's, "accepted" among them. Here a connection is
//! kept only by whoever has heard its last answer; any other is closed.

use crate::{
    config::{MailConfig, SmtpTls},
    error::{MailError, Undelivered},
    letter::Facts,
    message::Outgoing,
    refusal::{Step, undelivered},
};
use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Certificate, TlsParameters},
    commands::{Data, Mail, Rcpt, Rset},
    extension::{ClientId, Extension, MailBodyParameter, MailParameter},
};
use secrecy::ExposeSecret;
use std::{
    fs,
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// So many connections wait for the next mail.
const KEPT: usize = 2;
/// And so long: servers close what is idle for some minutes.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// The mail server, and how to reach it.
pub(crate) struct SmtpTransport {
    host: String,
    port: u16,
    protection: Protection,
    loopback: bool,
    credentials: Option<Credentials>,
    hello: ClientId,
    timeout: Duration,
    kept: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

enum Protection {
    Tls(TlsParameters),
    StartTls(TlsParameters),
    None,
}

/// Where a delivery failed, and how.
struct Failure {
    step: Step,
    error: Error,
}

impl Failure {
    fn at(step: Step) -> impl Fn(Error) -> Self {
        move |error| Self { step, error }
    }
}

impl SmtpTransport {
    pub(crate) fn new(config: &MailConfig) -> Result<Self, MailError> {
        let host = config.smtp_host.clone().ok_or_else(|| MailError::Setting {
            key: "smtp_host",
            what: "must be set".to_owned(),
        })?;
        let tls = || tls_parameters(&host, config.smtp_ca_file.as_deref());
        let credentials = config.smtp_username.as_ref().zip(config.smtp_password.as_ref());
        Ok(Self {
            port: config.smtp_port,
            protection: match config.smtp_tls {
                SmtpTls::Tls => Protection::Tls(tls()?),
                SmtpTls::Starttls => Protection::StartTls(tls()?),
                SmtpTls::None => Protection::None,
            },
            loopback: config.smtp_host_is_loopback(),
            credentials: credentials
                .map(|(name, password)| Credentials::new(name.clone(), password.expose_secret().to_owned())),
            hello: ClientId::default(),
            timeout: config.timeout,
            kept: Mutex::default(),
            host,
        })
    }

    /// Hands the mail over, within the time that a delivery has.
    pub(crate) async fn deliver(&self, mail: &Outgoing, facts: &Facts) -> Result<(), Undelivered> {
        match tokio::time::timeout(self.timeout, self.attempt(mail, facts)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Undelivered::Later(format!(
                "the mail server was not done within {}ms",
                self.timeout.as_millis()
            ))),
        }
    }

    async fn attempt(&self, mail: &Outgoing, facts: &Facts) -> Result<(), Undelivered> {
        let told = |failure: Failure| undelivered(failure.step, &failure.error, facts);
        let mut connection = match self.kept_connection().await {
            Some(connection) => connection,
            None => self.connect().await.map_err(told)?,
        };
        let internationalised = !mail.to.to_string().is_ascii() || !mail.from.to_string().is_ascii();
        if internationalised && !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            self.keep(connection);
            return Err(Undelivered::Never(
                "the mail server takes no addresses with letters beyond ASCII (SMTPUTF8)".to_owned(),
            ));
        }
        let outcome = hand_over(&mut connection, mail, internationalised).await;
        // A refusal is an answer as well: the connection is in step. 421 says that the server closes it.
        let in_step = match &outcome {
            Ok(()) => true,
            Err(failure) => failure
                .error
                .status()
                .is_some_and(|code| code.to_string() != "421"),
        };
        if in_step {
            self.keep(connection);
        }
        outcome.map_err(told)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let (wrapper, starttls) = match &self.protection {
            Protection::Tls(tls) => (Some(tls.clone()), None),
            Protection::StartTls(tls) => (None, Some(tls.clone())),
            Protection::None => (None, None),
        };
        let server = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(self.timeout), &self.hello, wrapper, None)
                .await
                .map_err(Failure::at(Step::Connect))?;
        if let Some(tls) = starttls {
            connection
                .starttls(tls, &self.hello)
                .await
                .map_err(Failure::at(Step::StartTls))?;
        }
        if let Some(credentials) = &self.credentials
            && (connection.is_encrypted() || self.loopback)
        {
            connection
                .auth(DEFAULT_MECHANISMS, credentials)
                .await
                .map_err(Failure::at(Step::SignIn))?;
        }
        Ok(connection)
    }

    /// A connection that was kept, if one still answers.
    async fn kept_connection(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (mut connection, since) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if since.elapsed() > KEPT_FOR {
                continue;
            }
            // One that died in silence may not take the time of the delivery with it.
            let reset = tokio::time::timeout(self.timeout / 4, connection.command(Rset)).await;
            if matches!(reset, Ok(Ok(_))) {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(_, since)| since.elapsed() <= KEPT_FOR);
        if kept.len() < KEPT {
            kept.push((connection, Instant::now()));
        }
    }
}

/// The commands of one mail, in their order.
async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    mail: &Outgoing,
    internationalised: bool,
) -> Result<(), Failure> {
    let mut parameters = Vec::new();
    if internationalised {
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !mail.bytes.is_ascii() {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    connection
        .command(Mail::new(Some(mail.from.clone()), parameters))
        .await
        .map_err(Failure::at(Step::Sender))?;
    connection
        .command(Rcpt::new(mail.to.clone(), Vec::new()))
        .await
        .map_err(Failure::at(Step::Recipient))?;
    connection
        .command(Data)
        .await
        .map_err(Failure::at(Step::Message))?;
    connection
        .message(&mail.bytes)
        .await
        .map_err(Failure::at(Step::Message))
        .map(|_| ())
}

fn tls_parameters(host: &str, ca_file: Option<&Path>) -> Result<TlsParameters, MailError> {
    let unfit = |key, what: String| MailError::Setting { key, what };
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = ca_file {
        let pem = fs::read(path).map_err(|source| MailError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let unfit = || unfit("smtp_ca_file", "must hold certificates in PEM".to_owned());
        if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
            return Err(unfit());
        }
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|_| unfit())?);
    }
    builder
        .build()
        .map_err(|error| unfit("smtp_tls", format!("could not be set up: {error}")))
}
