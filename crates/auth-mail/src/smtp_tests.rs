//! Tests of the time limits of an SMTP delivery.

use super::*;
use lettre::transport::smtp::client::AsyncTokioStream;
use std::{
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, DuplexStream, ReadBuf, duplex,
};
use uuid::Uuid;

/// A connection in memory, so that the test controls time.
#[derive(Debug)]
struct MemoryStream(DuplexStream);

impl AsyncRead for MemoryStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for MemoryStream {
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

impl AsyncTokioStream for MemoryStream {
    fn peer_addr(&self) -> std::io::Result<SocketAddr> {
        Ok((Ipv4Addr::LOCALHOST, 25).into())
    }
}

/// A server that answers MAIL after `at_mail` and the message after `at_message`.
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

/// Delivers a mail to such a server, with ten seconds for `mail.timeout`. Returns the result and the number of idle connections.
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
    let mut smtp =
        AsyncSmtpConnection::connect_with_transport(Box::new(MemoryStream(ours)), &transport.hello)
            .await
            .unwrap();
    let answer = smtp.command(Ehlo::new(transport.hello.clone())).await.unwrap();
    let extensions = ehlo::extensions(&answer).unwrap();
    transport.keep(SmtpSession { smtp, extensions });
    let mail = Outgoing {
        id: Uuid::nil(),
        from: "no-reply@id.example.com".parse().unwrap(),
        to: "ada@example.com".parse().unwrap(),
        bytes: b"Subject: hello\r\n\r\nhello\r\n".to_vec(),
    };
    let outcome = transport.deliver(&mail).await;
    let idle = transport.idle.lock().unwrap().len();
    (outcome, idle)
}

/// docs/rules.md §8: a mail that the server accepted is sent twice if its answer is not read.
#[tokio::test(start_paused = true)]
async fn slow_commands_before_the_message_do_not_shorten_the_wait_for_its_answer() {
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
