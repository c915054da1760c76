//! `keyward audit …`: which part of the audit log, and what its chain of seals is held against.

use super::{Output, moment::read_moment};
use auth_domain::{audit::Action, time::Timestamp};
use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use std::str::FromStr;

/// `keyward audit`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Walk the chain of seals: exit 1, and name the first batch that was changed or removed, or the rows that no seal covers.
    Verify {
        /// The newest seal that a server's log names (`audit_sealed`), to find out whether the end of the chain was cut.
        #[arg(long, value_name = "NUMBER:HEX")]
        head: Option<SealName>,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Take the chain of seals as it stands for the right one, after a backup was restored or what `verify` found was looked at.
    Accept,
    /// List events, newest first.
    List {
        /// Which.
        #[command(flatten)]
        wanted: WantedEvents,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Print all events as JSON lines, newest first.
    Export(WantedEvents),
}

/// Which events.
#[derive(Debug, Clone, Args)]
pub struct WantedEvents {
    /// Only those that concern this user (address or id), or that it did.
    #[arg(long)]
    pub user: Option<String>,
    /// Only this action.
    #[arg(long, value_parser = action(), hide_possible_values = true)]
    pub action: Option<Action>,
    /// Only from then on: 2030-01-31T12:00:00Z (RFC 3339), 2030-01-31 12:00:00, or 2030-01-31.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<Timestamp>,
    /// Only until before then.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<Timestamp>,
}

fn action() -> impl TypedValueParser<Value = Action> {
    PossibleValuesParser::new(Action::ALL.iter().map(|action| action.as_str()))
        .try_map(|word| word.parse::<Action>())
}

fn time(text: &str) -> Result<Timestamp, &'static str> {
    read_moment(text)
        .ok_or("a time is written as in 2030-01-31T12:00:00Z, 2030-01-31 12:00:00, or 2030-01-31")
}

/// A seal as a server's log names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealName {
    /// Its number.
    pub number: i64,
    /// Its code.
    pub code: [u8; 32],
}

impl FromStr for SealName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = || {
            let (number, hex) = text.split_once(':')?;
            let number = number.parse().ok().filter(|number| *number > 0)?;
            Some(Self {
                number,
                code: bytes(hex)?,
            })
        };
        named().ok_or("a seal is its number, a colon and its code of 64 hexadecimal digits")
    }
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> = hex
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
        .collect();
    let pairs = digits?
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect::<Vec<u8>>();
    (hex.len() == 64).then(|| pairs.try_into().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_read_as_the_log_writes_it() {
        let text = format!("7:{}", "0fA0".repeat(16));
        let seal: SealName = text.parse().unwrap();
        assert_eq!((seal.number, &seal.code[..4]), (7, &[0x0F, 0xA0, 0x0F, 0xA0][..]));
        let whole = "0".repeat(64);
        for wrong in [
            "",
            "7",
            "7:",
            "7:0f",
            &whole,
            &format!("0:{whole}"),
            &format!("-1:{whole}"),
            &format!("1:{whole}0"),
            &format!("1:{}", "0g".repeat(32)),
            &format!("1:{}", "é".repeat(32)),
        ] {
            assert!(wrong.parse::<SealName>().is_err(), "{wrong}");
        }
    }
}
