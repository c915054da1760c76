//! What a mail server's refusal means for a mail: try again, wait for the operator, or give up.
//!
//! A mail is given up only if the refusal concerns its recipient or the mail itself. A refusal that concerns the configuration
//! (the name in EHLO, the sign-in, the sender, relaying, policy) would meet every mail, and ends once the operator has changed
//! something: the mail waits. Where a refusal can be read in two ways the mail waits, because a late mail does less harm than a
//! lost one.
//!
//! The reply code of RFC 5321 §4.2 says too little (550 is "no such mailbox" and "relaying denied"), so the enhanced status
//! code of RFC 3463 decides where there is one.

use std::fmt;

/// How far the conversation with a mail server had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The connection, the greeting and EHLO.
    Connect,
    /// STARTTLS and the TLS handshake.
    Tls,
    /// AUTH.
    SignIn,
    /// MAIL FROM.
    Sender,
    /// RCPT TO.
    Recipient,
    /// DATA and the message.
    Message,
}

/// An enhanced status code (RFC 3463), such as 5.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnhancedCode {
    /// 2, 4 or 5.
    pub class: u8,
    /// What it is about: 1 addressing, 2 mailbox, 3 mail system, 4 network, 5 protocol, 6 content, 7 security and policy.
    pub subject: u16,
    /// What of that.
    pub detail: u16,
}

impl EnhancedCode {
    /// Reads the code that a reply's text begins with (RFC 2034), and answers with what follows it.
    #[must_use]
    pub fn split_from(text: &str) -> (Option<Self>, &str) {
        let text = text.trim_start();
        let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        match Self::parse(first) {
            Some(code) => (Some(code), rest),
            None => (None, text),
        }
    }

    fn parse(word: &str) -> Option<Self> {
        let mut numbers = word.split('.');
        let class = match numbers.next()? {
            "2" => 2,
            "4" => 4,
            "5" => 5,
            _ => return None,
        };
        let mut number = || {
            let digits = numbers.next()?;
            let fits = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u16>().ok().filter(|_| fits)
        };
        let (subject, detail) = (number()?, number()?);
        numbers.next().is_none().then_some(Self {
            class,
            subject,
            detail,
        })
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// What happens to a mail that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The server is busy, or defers the mail: another attempt may succeed without any change.
    TryAgain,
    /// The configuration is at fault: the mail waits until the operator has changed it.
    SetUp,
    /// The recipient's address or the mail itself is refused for good.
    GiveUp,
}

/// Words by which servers that send no enhanced codes name a fault of the set-up.
const SET_UP_WORDS: [&str; 6] = ["relay", "authentic", "helo", "ehlo", "sender", "tls"];

/// Judges a refusal by its stage, its reply code, its enhanced code and, if it has none, its words.
///
/// ```
/// use auth_domain::delivery::{Stage, Verdict, judge};
///
/// assert_eq!(judge(Stage::Recipient, 550, "5.1.1 no such mailbox"), Verdict::GiveUp);
/// assert_eq!(judge(Stage::Recipient, 550, "5.7.1 relaying denied"), Verdict::SetUp);
/// ```
#[must_use]
pub fn judge(stage: Stage, code: u16, text: &str) -> Verdict {
    if !(500..600).contains(&code) {
        return Verdict::TryAgain;
    }
    if !matches!(stage, Stage::Recipient | Stage::Message) {
        return Verdict::SetUp;
    }
    match code {
        // The commands themselves, or a missing sign-in or TLS; 501 is also what an address that can't be read gets.
        500 | 502..=504 | 523 | 530 | 534 | 535 | 538 => return Verdict::SetUp,
        // RFC 7504: the host or the domain takes no mail at all.
        521 | 556 => return Verdict::GiveUp,
        _ => {}
    }
    match EnhancedCode::split_from(text) {
        (Some(enhanced), _) => by_enhanced_code(code, enhanced),
        (None, words) => by_words(stage, code, words),
    }
}

fn by_enhanced_code(code: u16, enhanced: EnhancedCode) -> Verdict {
    match (enhanced.subject, enhanced.detail) {
        // The sender's address or domain.
        (1, 7 | 8) => Verdict::SetUp,
        // The mail system, and policy: relaying, SPF, DKIM, DMARC, reputation.
        (3 | 7, _) => Verdict::SetUp,
        // The protocol; but some servers say 550 5.5.0 of a mailbox that they don't have.
        (5, _) if !matches!(code, 550 | 551 | 553) => Verdict::SetUp,
        _ => Verdict::GiveUp,
    }
}

fn by_words(stage: Stage, code: u16, words: &str) -> Verdict {
    let names_set_up = words
        .split_whitespace()
        // A recipient's address may hold such a word.
        .filter(|word| !word.contains('@'))
        .map(str::to_lowercase)
        .any(|word| SET_UP_WORDS.iter().any(|known| word.contains(known)));
    // 554 to RCPT says that no transaction is possible; of a message it says as little as 550.
    if names_set_up || (stage == Stage::Recipient && code == 554) {
        Verdict::SetUp
    } else {
        Verdict::GiveUp
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Stage::{Connect, Message, Recipient, Sender, SignIn, Tls};
    use Verdict::{GiveUp, SetUp, TryAgain};

    #[test]
    fn a_refusal_is_the_recipients_fault_the_set_ups_or_passes_by_itself() {
        for (stage, code, text, verdict) in [
            // Before a recipient was named, no refusal can be its fault.
            (Connect, 421, "4.3.2 closing", TryAgain),
            (Connect, 554, "no SMTP service here", SetUp),
            (Connect, 501, "5.5.4 EHLO requires a domain name", SetUp),
            (Connect, 550, "5.7.1 your address is on a list", SetUp),
            (Tls, 454, "4.7.0 TLS is not available", TryAgain),
            (Tls, 502, "5.5.1 unknown command", SetUp),
            (SignIn, 454, "4.7.0 try again", TryAgain),
            (SignIn, 535, "5.7.8 authentication failed", SetUp),
            (SignIn, 534, "5.7.9 mechanism too weak", SetUp),
            (Sender, 451, "4.7.1 greylisted", TryAgain),
            (Sender, 550, "5.7.1 not from you", SetUp),
            (Sender, 550, "5.1.8 sender's domain does not exist", SetUp),
            (Sender, 553, "sender rejected", SetUp),
            (Sender, 530, "5.7.0 STARTTLS first", SetUp),
            // The recipient.
            (Recipient, 450, "4.1.1 try later", TryAgain),
            (Recipient, 452, "4.2.2 over quota", TryAgain),
            (Recipient, 550, "5.1.1 <a@example.com>: no such user", GiveUp),
            (Recipient, 553, "5.1.3 bad address", GiveUp),
            (Recipient, 501, "5.1.3 bad address", GiveUp),
            (Recipient, 550, "5.1.10 null MX", GiveUp),
            (Recipient, 556, "5.1.10 null MX", GiveUp),
            (Recipient, 521, "no mail here", GiveUp),
            (Recipient, 550, "5.2.1 mailbox disabled", GiveUp),
            (Recipient, 552, "5.2.2 mailbox full", GiveUp),
            (Recipient, 550, "5.4.1 recipient address rejected", GiveUp),
            (Recipient, 550, "5.5.0 mailbox unavailable", GiveUp),
            (Recipient, 553, "5.6.7 needs SMTPUTF8", GiveUp),
            (Recipient, 550, "no such user here", GiveUp),
            (Recipient, 550, "<relay@example.com> unknown", GiveUp),
            (Recipient, 551, "user not local", GiveUp),
            // The set-up, though the recipient's command is what is refused.
            (
                Recipient,
                504,
                "5.5.2 <host01>: need fully-qualified hostname",
                SetUp,
            ),
            (Recipient, 503, "5.5.1 AUTH first", SetUp),
            (Recipient, 530, "5.7.0 authentication required", SetUp),
            (Recipient, 535, "5.7.8 authentication failed", SetUp),
            (
                Recipient,
                554,
                "5.7.1 <a@example.com>: Relay access denied",
                SetUp,
            ),
            (Recipient, 550, "5.7.1 relaying denied", SetUp),
            (Recipient, 550, "5.7.1", SetUp),
            (Recipient, 550, "5.1.8 sender's domain does not exist", SetUp),
            (Recipient, 550, "5.1.7 bad sender", SetUp),
            (Recipient, 554, "5.5.4 invalid arguments", SetUp),
            (Recipient, 554, "5.3.5 system incorrectly configured", SetUp),
            (Recipient, 550, "relay not permitted", SetUp),
            (Recipient, 550, "Authentication is required", SetUp),
            (Recipient, 554, "transaction failed", SetUp),
            // The message.
            (Message, 451, "4.3.0 no room", TryAgain),
            (Message, 552, "5.3.4 too big", SetUp),
            (
                Message,
                550,
                "5.7.26 unauthenticated, DMARC policy is reject",
                SetUp,
            ),
            (Message, 554, "5.7.1 looks like spam", SetUp),
            (Message, 554, "5.6.0 malformed", GiveUp),
            (Message, 550, "5.2.0 refused", GiveUp),
            (Message, 554, "transaction failed", GiveUp),
            (Message, 550, "administrative prohibition", GiveUp),
            // What is no refusal is no reason to give up.
            (Recipient, 250, "ok", TryAgain),
            (Message, 999, "", TryAgain),
        ] {
            assert_eq!(judge(stage, code, text), verdict, "{stage:?} {code} {text}");
        }
    }

    #[test]
    fn an_enhanced_code_is_read_where_a_text_begins_with_one() {
        let read = |text: &str| EnhancedCode::split_from(text).0.map(|code| code.to_string());
        for code in ["5.1.1", "4.7.26", "2.0.0", "5.999.999"] {
            assert_eq!(read(&format!("{code} words")).as_deref(), Some(code));
            assert_eq!(read(code).as_deref(), Some(code));
        }
        for text in [
            "", "5", "5.1", "5.1.1.1", "3.1.1", "5.1234.1", "5.+1.1", "5.1.1: x", "no 5.1.1",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(
            EnhancedCode::split_from(" 5.1.1  no such user").1,
            " no such user"
        );
        assert_eq!(EnhancedCode::split_from("no such user").1, "no such user");
    }
}
