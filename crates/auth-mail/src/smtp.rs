//! The transport that sends: SMTP by lettre's client, one mail at a time on each connection.
//!
//! The pool is our own, because of one case: a delivery that is given up in the middle (a server that hangs, a caller that is
//! stopped) leaves a connection on which the answer to the last command is still to come. lettre's pool would hand it out
//! again, and from then on every answer would be taken for the next command's, "accepted" among them. Here a connection is
//! kept only by whoever has heard its last answer; any other is closed.

use crate::{
    config::{MailConfig, SmtpTls},
    ehlo::{self, Greeting},
    error::{MailError, Undelivered},
    message::Outgoing,
    refusal::Failure,
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

/// So many connections wait for the next mail.
const KEPT: usize = 2;
/// And so long: servers close what is idle for some minutes.
const KEPT_FOR: Duration = Duration::from_secs(30);
/// How many challenges of one sign-in are answered: LOGIN has two.
const CHALLENGES: usize = 3;

/// The mail server, and how to reach it.
pub(crate) struct SmtpTransport {
    host: String,
    port: u16,
    protection: Protection,
    loopback: bool,
    credentials: Option<Credentials>,
    hello: ClientId,
    timeout: Duration,
    kept: Mutex<Vec<(Line, Instant)>>,
    /// Whether the server was last seen without SMTPUTF8.
    ascii_only: AtomicBool,
}

/// A connection, and what the server offers on it.
struct Line {
    smtp: AsyncSmtpConnection,
    offers: ServerInfo,
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
            kept: Mutex::default(),
            ascii_only: AtomicBool::new(false),
            host,
        })
    }

    /// Hands the mail over. The message and the server's answer to it have `timeout`, and all that comes before has as much.
    /// A slow way there does not shorten the wait for the answer: a mail that the server took, and whose answer
    /// was not heard, is sent twice (RFC 1047).
    pub(crate) async fn deliver(&self, mail: &Outgoing) -> Result<(), Undelivered> {
        let ms = self.timeout.as_millis();
        let mut line = tokio::time::timeout(self.timeout, self.announce(mail))
            .await
            .map_err(|_| Undelivered::Later(format!("the mail server was not ready within {ms}ms")))??;
        let outcome = tokio::time::timeout(self.timeout, line.smtp.message(&mail.bytes))
            .await
            .map_err(|_| {
                Undelivered::Later(format!(
                    "the mail server did not answer the message within {ms}ms"
                ))
            })?
            .map_err(Failure::at(Stage::Message));
        match outcome {
            Ok(_) => {
                self.keep(line);
                Ok(())
            }
            Err(failure) => {
                self.keep_after(&failure, line);
                Err(failure.verdict())
            }
        }
    }

    /// How long [`SmtpTransport::deliver`] takes at most.
    pub(crate) const fn longest_delivery(&self) -> Duration {
        self.timeout.saturating_mul(2)
    }

    /// Whether the server is known not to take addresses with characters beyond ASCII (RFC 6531): it was last seen without
    /// SMTPUTF8.
    pub(crate) fn takes_ascii_only(&self) -> bool {
        self.ascii_only.load(Ordering::Relaxed)
    }

    /// All that comes before the message. The server has said that it may come.
    async fn announce(&self, mail: &Outgoing) -> Result<Line, Undelivered> {
        let verdict = |failure: Failure| failure.verdict();
        let mut line = match self.kept_connection().await {
            Some(line) => line,
            None => self.connect().await.map_err(verdict)?,
        };
        let internationalised = !mail.to.to_string().is_ascii() || !mail.from.to_string().is_ascii();
        if internationalised && !line.offers.supports_feature(Extension::SmtpUtfEight) {
            self.keep(line);
            return Err(Undelivered::Never(
                "the mail server takes no addresses with letters beyond ASCII (SMTPUTF8)".to_owned(),
            ));
        }
        let outcome = name_both_sides(&mut line.smtp, mail, internationalised).await;
        match outcome {
            Ok(()) => Ok(line),
            Err(failure) => {
                self.keep_after(&failure, line);
                Err(failure.verdict())
            }
        }
    }

    async fn connect(&self) -> Result<Line, Failure> {
        let mut smtp = match &self.protection {
            Protection::Tls(tls) => self.dial(Some(tls.clone())).await?,
            Protection::StartTls(tls) => self.dial_and_start_tls(tls.clone()).await?,
            Protection::None => self.dial(None).await?,
        };
        let answer = smtp
            .command(Ehlo::new(self.hello.clone()))
            .await
            .map_err(Failure::at(Stage::Connect))?;
        let offers = ehlo::offers(&answer).map_err(Failure::at(Stage::Connect))?;
        let ascii_only = !offers.supports_feature(Extension::SmtpUtfEight);
        self.ascii_only.store(ascii_only, Ordering::Relaxed);
        if let Some(credentials) = &self.credentials
            && (smtp.is_encrypted() || self.loopback)
        {
            sign_in(&mut smtp, &offers, credentials).await?;
        }
        Ok(Line { smtp, offers })
    }

    /// Connects, with TLS from the first byte where there are parameters for it.
    async fn dial(&self, tls: Option<TlsParameters>) -> Result<AsyncSmtpConnection, Failure> {
        let server = (self.host.as_str(), self.port);
        AsyncSmtpConnection::connect_tokio1(server, Some(self.timeout), &self.hello, tls, None)
            .await
            .map_err(Failure::at(Stage::Connect))
    }

    /// Connects in the clear and begins TLS. Nothing goes on where the server does not offer it.
    async fn dial_and_start_tls(&self, tls: TlsParameters) -> Result<AsyncSmtpConnection, Failure> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(Failure::unconnected)?;
        let (greeting, lasts) = Greeting::on(stream);
        let mut smtp = AsyncSmtpConnection::connect_with_transport(Box::new(greeting), &self.hello)
            .await
            .map_err(Failure::at(Stage::Connect))?;
        if !smtp.can_starttls() {
            return Err(Failure::missing(
                Stage::Tls,
                "STARTTLS is not supported on this server",
            ));
        }
        lasts.store(false, Ordering::Relaxed);
        smtp.starttls(tls, &self.hello)
            .await
            .map_err(Failure::at(Stage::Tls))?;
        Ok(smtp)
    }

    /// A connection that was kept, if one still answers.
    async fn kept_connection(&self) -> Option<Line> {
        loop {
            let (mut line, since) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if since.elapsed() > KEPT_FOR {
                continue;
            }
            // One that died in silence may not take the time of the delivery with it.
            let reset = tokio::time::timeout(self.timeout / 4, line.smtp.command(Rset)).await;
            if matches!(reset, Ok(Ok(_))) {
                return Some(line);
            }
        }
    }

    /// Keeps a connection after a refusal, which is an answer as well: it is in step. 421 says that the server closes it.
    fn keep_after(&self, failure: &Failure, line: Line) {
        if failure.code().is_some_and(|code| code != 421) {
            self.keep(line);
        }
    }

    fn keep(&self, line: Line) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(_, since)| since.elapsed() <= KEPT_FOR);
        if kept.len() < KEPT {
            kept.push((line, Instant::now()));
        }
    }
}

/// Signs in by the first mechanism that both sides know.
async fn sign_in(
    smtp: &mut AsyncSmtpConnection,
    offers: &ServerInfo,
    credentials: &Credentials,
) -> Result<(), Failure> {
    let refused = Failure::at(Stage::SignIn);
    let Some(mechanism) = offers.get_auth_mechanism(DEFAULT_MECHANISMS) else {
        let what = "it offers neither AUTH PLAIN nor AUTH LOGIN";
        return Err(Failure::missing(Stage::SignIn, what));
    };
    let first = Auth::new(mechanism, credentials.clone(), None).map_err(&refused)?;
    let mut answer = smtp.command(first).await.map_err(&refused)?;
    for _ in 0..CHALLENGES {
        if !answer.has_code(334) {
            return Ok(());
        }
        let next = Auth::new_from_response(mechanism, credentials.clone(), &answer).map_err(&refused)?;
        answer = smtp.command(next).await.map_err(&refused)?;
    }
    if answer.has_code(334) {
        return Err(Failure::missing(Stage::SignIn, "it never comes to an end"));
    }
    Ok(())
}

/// The commands of one mail before its message, in their order.
async fn name_both_sides(
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
        .map_err(Failure::at(Stage::Sender))?;
    connection
        .command(Rcpt::new(mail.to.clone(), Vec::new()))
        .await
        .map_err(Failure::at(Stage::Recipient))?;
    connection
        .command(Data)
        .await
        .map_err(Failure::at(Stage::Message))
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
        let unfit = || MailError::setting("smtp_ca_file", "must hold certificates in PEM");
        if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
            return Err(unfit());
        }
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|_| unfit())?);
    }
    builder
        .build()
        .map_err(|error| MailError::setting("smtp_tls", format!("could not be set up: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lettre::transport::smtp::client::AsyncTokioStream;
    use std::{
        net::{Ipv4Addr, SocketAddr},
        pin::Pin,
        task::{Context, Poll},
    };
    use tokio::io::{
        AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, DuplexStream, ReadBuf,
        duplex,
    };
    use uuid::Uuid;

    /// A connection in memory: time passes on it as the test says.
    #[derive(Debug)]
    struct Wire(DuplexStream);

    impl AsyncRead for Wire {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            Pin::new(&mut self.0).poll_read(cx, buffer)
        }
    }

    impl AsyncWrite for Wire {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<std::io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }

    impl AsyncTokioStream for Wire {
        fn peer_addr(&self) -> std::io::Result<SocketAddr> {
            Ok((Ipv4Addr::LOCALHOST, 25).into())
        }
    }

    /// A server that answers MAIL after one pause and the message after another.
    async fn serve(stream: DuplexStream, at_mail: Duration, at_message: Duration) {
        let mut stream = BufReader::new(stream);
        let (mut line, mut in_message) = (String::new(), false);
        let mut answer = "220 ready\r\n";
        loop {
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
            line.clear();
            if stream.read_line(&mut line).await.unwrap_or_default() == 0 {
                return;
            }
            answer = match line.trim_end() {
                "." if in_message => {
                    in_message = false;
                    tokio::time::sleep(at_message).await;
                    "250 taken\r\n"
                }
                _ if in_message => "",
                "DATA" => {
                    in_message = true;
                    "354 go on\r\n"
                }
                mail if mail.starts_with("MAIL") => {
                    tokio::time::sleep(at_mail).await;
                    "250 fine\r\n"
                }
                _ => "250 fine\r\n",
            };
        }
    }

    /// Delivers a mail to such a server, with ten seconds for `mail.timeout`. Answers how it ended, and how many connections
    /// were kept.
    async fn delivered(at_mail: u64, at_message: u64) -> (Result<(), Undelivered>, usize) {
        let transport = SmtpTransport::new(&MailConfig {
            smtp_host: Some("127.0.0.1".to_owned()),
            smtp_tls: SmtpTls::None,
            timeout: Duration::from_secs(10),
            ..MailConfig::default()
        })
        .unwrap();
        let (ours, theirs) = duplex(4096);
        tokio::spawn(serve(
            theirs,
            Duration::from_secs(at_mail),
            Duration::from_secs(at_message),
        ));
        let mut smtp = AsyncSmtpConnection::connect_with_transport(Box::new(Wire(ours)), &transport.hello)
            .await
            .unwrap();
        let answer = smtp.command(Ehlo::new(transport.hello.clone())).await.unwrap();
        let offers = ehlo::offers(&answer).unwrap();
        transport.keep(Line { smtp, offers });
        let mail = Outgoing {
            id: Uuid::nil(),
            from: "no-reply@id.example.com".parse().unwrap(),
            to: "ada@example.com".parse().unwrap(),
            bytes: b"Subject: hello\r\n\r\nhello\r\n".to_vec(),
        };
        let outcome = transport.deliver(&mail).await;
        let kept = transport.kept.lock().unwrap().len();
        (outcome, kept)
    }

    /// docs/rules.md §8: a mail that the server took is sent twice where its answer is not heard.
    #[tokio::test(start_paused = true)]
    async fn what_was_slow_before_the_message_does_not_shorten_the_wait_for_its_answer() {
        let later = |why: &str| Err::<(), _>(Undelivered::Later(why.to_owned()));
        assert_eq!(delivered(9, 9).await, (Ok(()), 1));
        assert_eq!(
            delivered(11, 0).await,
            (later("the mail server was not ready within 10000ms"), 0)
        );
        assert_eq!(
            delivered(0, 11).await,
            (
                later("the mail server did not answer the message within 10000ms"),
                0
            )
        );
    }
}
