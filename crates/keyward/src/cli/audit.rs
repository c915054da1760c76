//! `keyward audit …`: the arguments of its subcommands.

use super::{Output, timestamp::parse_timestamp};
use auth_domain::{audit::Action, time::Timestamp};
use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use std::str::FromStr;

/// `keyward audit`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Verify the chain of seals; exit 1 and name the first batch that was changed or removed, or the rows without a seal.
    Verify {
        /// The newest seal in a server's log (`audit_sealed`), to detect that the end of the chain was removed.
        #[arg(long, value_name = "NUMBER:HEX")]
        head: Option<SealName>,
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
    /// Accept the chain of seals as it is, after a restored backup or after you have looked into what `verify` found.
    Accept,
    /// List events, newest first.
    List {
        /// Which events.
        #[command(flatten)]
        wanted: WantedEvents,
        /// The maximum number of events.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
    /// Print all events as JSON lines, newest first.
    Export(WantedEvents),
}

/// Which events.
#[derive(Debug, Clone, Args)]
pub struct WantedEvents {
    /// Only events about this user or by this user (email address or ID).
    #[arg(long)]
    pub user: Option<String>,
    /// Only this action.
    #[arg(long, value_parser = action(), hide_possible_values = true)]
    pub action: Option<Action>,
    /// Only events at or after this time: 2030-01-31T12:00:00Z (RFC 3339), 2030-01-31 12:00:00, or 2030-01-31.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<Timestamp>,
    /// Only events before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<Timestamp>,
}

fn action() -> impl TypedValueParser<Value = Action> {
    PossibleValuesParser::new(Action::ALL.iter().map(|action| action.as_str()))
        .try_map(|word| word.parse::<Action>())
}

fn time(text: &str) -> Result<Timestamp, &'static str> {
    parse_timestamp(text).ok_or("write a time like 2030-01-31T12:00:00Z, 2030-01-31 12:00:00 or 2030-01-31")
}

/// A seal as it is written in a server's log.
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
        named().ok_or("write a seal as its number, a colon and its code of 64 hexadecimal digits")
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
