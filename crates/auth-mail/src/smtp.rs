//! The SMTP transport, with lettre's client: one mail at a time on each connection.
//!
//! The connection pool is our own because of one case: a delivery that is abandoned midway (the server hangs, the caller is stopped) leaves
//! a connection on which the answer to the last command is still outstanding. lettre's pool would reuse it, and from then on every answer
//! would be taken for the answer to the next command, "accepted" among them. Here a connection returns to the pool only after its last
//! answer was read; any other is closed.

use crate::{
    config::{MailConfig, SmtpTls},
    ehlo::{self, UppercaseGreeting},
    error::{MailError, Undelivered},
    message::Outgoing,
    refusal::DeliveryFailure,
};
use auth_domain::delivery::Stage;
use lettre::transport::smtp::{
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Certificate, TlsParameters},
    commands::{Auth, Data, Ehlo, Mail, Rcpt, Rset},
    extension::{ClientId, Extension, MailBodyParameter, MailParameter, ServerInfo},
};
use secrecy::ExposeSecret;
use std::{
    fs,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::net::TcpStream;

/// The most idle connections in the pool.
const MAX_IDLE: usize = 2;
/// How long an idle connection is kept. Servers close idle connections after some minutes.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// The most challenges that are answered in one sign-in; LOGIN has two.
const MAX_CHALLENGES: usize = 3;

/// The mail server, and how to reach it.
pub(crate) struct SmtpTransport {
    host: String,
    port: u16,
    protection: Protection,
    loopback: bool,
    credentials: Option<Credentials>,
    hello: ClientId,
    timeout: Duration,
    /// The idle connections, and since when they are idle.
    idle: Mutex<Vec<(SmtpSession, Instant)>>,
    /// Whether the server last offered no SMTPUTF8.
    ascii_only: AtomicBool,
}

/// A connection, and the extensions that the server offers on it.
struct SmtpSession {
    smtp: AsyncSmtpConnection,
    extensions: ServerInfo,
}

enum Protection {
    Tls(TlsParameters),
    StartTls(TlsParameters),
    None,
}

impl SmtpTransport {
    pub(crate) fn new(config: &MailConfig) -> Result<Self, MailError> {
        let host = config.smtp_host.clone();
        let host = host.ok_or_else(|| MailError::setting("smtp_host", "must be set"))?;
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
            hello: config
                .smtp_ehlo_name
                .as_deref()
                .and_then(ehlo::parse)
                .unwrap_or(ehlo::FALLBACK),
            timeout: config.timeout,
            idle: Mutex::default(),
            ascii_only: AtomicBool::new(false),
            host,
        })
    }

    /// Delivers the mail. All commands before the message have `timeout`, and the message with the server's answer has the same time again.
    /// Slow commands before the message do not shorten the wait for its answer: a mail that the server accepted and whose answer was not
    /// read is sent twice (RFC 1047).
    pub(crate) async fn deliver(&self, mail: &Outgoing) -> Result<(), Undelivered> {
        let ms = self.timeout.as_millis();
        let mut session = tokio::time::timeout(self.timeout, self.start_mail(mail))
            .await
            .map_err(|_| Undelivered::Later(format!("the mail server was not ready within {ms}ms")))??;
        let outcome = tokio::time::timeout(self.timeout, session.smtp.message(&mail.bytes))
            .await
            .map_err(|_| {
                Undelivered::Later(format!(
                    "the mail server did not answer the message within {ms}ms"
                ))
            })?
            .map_err(DeliveryFailure::at(Stage::Message));
        match outcome {
            Ok(_) => {
                self.keep(session);
                Ok(())
            }
            Err(failure) => {
                self.keep_after(&failure, session);
                Err(failure.undelivered())
            }
        }
    }

    /// The longest time that [`SmtpTransport::deliver`] takes.
    pub(crate) const fn longest_delivery(&self) -> Duration {
        self.timeout.saturating_mul(2)
    }

    /// Whether the server accepts ASCII addresses only: it last offered no SMTPUTF8 (RFC 6531).
    pub(crate) fn accepts_ascii_only(&self) -> bool {
        self.ascii_only.load(Ordering::Relaxed)
    }

    /// Sends all commands before the message. When it returns, the server is ready for the message.
    async fn start_mail(&self, mail: &Outgoing) -> Result<SmtpSession, Undelivered> {
        let mut session = match self.idle_session().await {
            Some(session) => session,
            None => self.connect().await.map_err(|failure| failure.undelivered())?,
        };
        let internationalised = !mail.to.to_string().is_ascii() || !mail.from.to_string().is_ascii();
        if internationalised && !session.extensions.supports_feature(Extension::SmtpUtfEight) {
            self.keep(session);
            return Err(Undelivered::Never(
                "the mail server accepts no addresses with letters beyond ASCII (SMTPUTF8)".to_owned(),
            ));
        }
        let outcome = send_envelope(&mut session.smtp, mail, internationalised).await;
        match outcome {
            Ok(()) => Ok(session),
            Err(failure) => {
                self.keep_after(&failure, session);
                Err(failure.undelivered())
            }
        }
    }

    async fn connect(&self) -> Result<SmtpSession, DeliveryFailure> {
        let mut smtp = match &self.protection {
            Protection::Tls(tls) => self.dial(Some(tls.clone())).await?,
            Protection::StartTls(tls) => self.dial_and_start_tls(tls.clone()).await?,
            Protection::None => self.dial(None).await?,
        };
        let answer = smtp
            .command(Ehlo::new(self.hello.clone()))
            .await
            .map_err(DeliveryFailure::at(Stage::Connect))?;
        let extensions = ehlo::extensions(&answer).map_err(DeliveryFailure::at(Stage::Connect))?;
        let ascii_only = !extensions.supports_feature(Extension::SmtpUtfEight);
        self.ascii_only.store(ascii_only, Ordering::Relaxed);
        if let Some(credentials) = &self.credentials
            && (smtp.is_encrypted() || self.loopback)
        {
            sign_in(&mut smtp, &extensions, credentials).await?;
        }
        Ok(SmtpSession { smtp, extensions })
    }

    /// Connects, with TLS from the first byte if `tls` is given.
    async fn dial(&self, tls: Option<TlsParameters>) -> Result<AsyncSmtpConnection, DeliveryFailure> {
        let server = (self.host.as_str(), self.port);
        AsyncSmtpConnection::connect_tokio1(server, Some(self.timeout), &self.hello, tls, None)
            .await
            .map_err(DeliveryFailure::at(Stage::Connect))
    }

    /// Connects in plaintext and starts TLS. It fails if the server does not offer STARTTLS.
    async fn dial_and_start_tls(&self, tls: TlsParameters) -> Result<AsyncSmtpConnection, DeliveryFailure> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(DeliveryFailure::not_connected)?;
        let (connection, greeting) = UppercaseGreeting::new(stream);
        let mut smtp = AsyncSmtpConnection::connect_with_transport(Box::new(connection), &self.hello)
            .await
            .map_err(DeliveryFailure::at(Stage::Connect))?;
        if !smtp.can_starttls() {
            return Err(DeliveryFailure::missing(
                Stage::Tls,
                "STARTTLS is not supported on this server",
            ));
        }
        greeting.store(false, Ordering::Relaxed);
        smtp.starttls(tls, &self.hello)
            .await
            .map_err(DeliveryFailure::at(Stage::Tls))?;
        Ok(smtp)
    }

    /// An idle connection, if one still answers.
    async fn idle_session(&self) -> Option<SmtpSession> {
        loop {
            let (mut session, since) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if since.elapsed() > IDLE_TIMEOUT {
                continue;
            }
            // A connection that no longer answers must not use up the delivery's time.
            let reset = tokio::time::timeout(self.timeout / 4, session.smtp.command(Rset)).await;
            if matches!(reset, Ok(Ok(_))) {
                return Some(session);
            }
        }
    }

    /// Keeps a connection after a refusal: a refusal is an answer, so none is outstanding. 421 means that the server closes the connection.
    fn keep_after(&self, failure: &DeliveryFailure, session: SmtpSession) {
        if failure.code().is_some_and(|code| code != 421) {
            self.keep(session);
        }
    }

    fn keep(&self, session: SmtpSession) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() <= IDLE_TIMEOUT);
        if idle.len() < MAX_IDLE {
            idle.push((session, Instant::now()));
        }
    }
}

/// Signs in by the first mechanism that both sides support.
async fn sign_in(
    smtp: &mut AsyncSmtpConnection,
    extensions: &ServerInfo,
    credentials: &Credentials,
) -> Result<(), DeliveryFailure> {
    let refused = DeliveryFailure::at(Stage::SignIn);
    let Some(mechanism) = extensions.get_auth_mechanism(DEFAULT_MECHANISMS) else {
        let what = "it offers neither AUTH PLAIN nor AUTH LOGIN";
        return Err(DeliveryFailure::missing(Stage::SignIn, what));
    };
    let first = Auth::new(mechanism, credentials.clone(), None).map_err(&refused)?;
    let mut answer = smtp.command(first).await.map_err(&refused)?;
    for _ in 0..MAX_CHALLENGES {
        if !answer.has_code(334) {
            return Ok(());
        }
        let next = Auth::new_from_response(mechanism, credentials.clone(), &answer).map_err(&refused)?;
        answer = smtp.command(next).await.map_err(&refused)?;
    }
    if answer.has_code(334) {
        return Err(DeliveryFailure::missing(
            Stage::SignIn,
            "the server sends too many challenges",
        ));
    }
    Ok(())
}

/// Sends MAIL, RCPT and DATA.
async fn send_envelope(
    connection: &mut AsyncSmtpConnection,
    mail: &Outgoing,
    internationalised: bool,
) -> Result<(), DeliveryFailure> {
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
        .map_err(DeliveryFailure::at(Stage::Sender))?;
    connection
        .command(Rcpt::new(mail.to.clone(), Vec::new()))
        .await
        .map_err(DeliveryFailure::at(Stage::Recipient))?;
    connection
        .command(Data)
        .await
        .map_err(DeliveryFailure::at(Stage::Message))
        .map(|_| ())
}

fn tls_parameters(host: &str, ca_file: Option<&Path>) -> Result<TlsParameters, MailError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = ca_file {
        let pem = fs::read(path).map_err(|source| MailError::Unreadable {
            key: "smtp_ca_file",
            path: path.to_owned(),
            source,
        })?;
        let invalid = || MailError::setting("smtp_ca_file", "must contain certificates in PEM format");
        if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
            return Err(invalid());
        }
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|_| invalid())?);
    }
    builder
        .build()
        .map_err(|error| MailError::setting("smtp_tls", format!("could not be set up: {error}")))
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
