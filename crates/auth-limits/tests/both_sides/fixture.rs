//! The simulation's clock, random numbers and counters, under the shipped rules or the rules before them.

use auth_domain::{
    rate::Limit,
    time::{Span, Timestamp, after},
};
use auth_limits::{Admission, DeviceDigests, Limits, LimitsConfig, Permit, TakeResult};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

pub(crate) const SECOND: u64 = 1_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;

/// How long a password check takes, the queue included. A sign-in holds its permits for that long.
pub(crate) const PASSWORD_CHECK: u64 = 2 * SECOND;

/// Which rules apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rules {
    /// The shipped rules.
    Shipped,
    /// The rules before: every sign-in, registration and mail counts, successful or not, and only the guess is refunded.
    Before,
}

/// The sender of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    pub(crate) account: u32,
    /// The number of the device, if the account knows it.
    pub(crate) device: Option<u32>,
    pub(crate) address: u32,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Request {
    /// With the right password (`true`) or a wrong one.
    SignIn(Client, bool),
    /// With a valid form (`true`) or an invalid one.
    Register(Client, bool),
    Mail(Client),
}

/// One server and its simulated day.
pub(crate) struct Simulation {
    rules: Rules,
    limits: Limits,
    pub(crate) now: u64,
    random: u64,
    /// When the permits of `held` with this index are refunded.
    refunds: BinaryHeap<Reverse<(u64, u64)>>,
    held: Vec<Vec<Permit>>,
}

impl Simulation {
    pub(crate) fn under(rules: Rules) -> Self {
        let limit = |text: &str| text.parse::<Limit>().unwrap();
        let config = match rules {
            Rules::Shipped => LimitsConfig::default(),
            Rules::Before => LimitsConfig {
                sign_in_per_address: limit("10/1m"),
                register_per_address: limit("5/1h"),
                mail_per_address: limit("5/1h"),
                ..LimitsConfig::default()
            },
        };
        Self {
            rules,
            limits: Limits::new(config, None),
            now: 0,
            random: 1,
            refunds: BinaryHeap::new(),
            held: Vec::new(),
        }
    }

    /// A pseudo-random number below `below`; the same sequence every time (Knuth, TAOCP volume 2, §3.3.4).
    pub(crate) fn random(&mut self, below: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }

    fn at(millis: u64) -> Timestamp {
        let start = after(Timestamp::UNIX_EPOCH, Span::seconds(1_800_000_000));
        after(start, Span::milliseconds(i64::try_from(millis).unwrap()))
    }

    /// Advances the clock, and refunds the permits that are due by then.
    pub(crate) async fn move_to(&mut self, moment: u64) {
        while let Some(Reverse((when, which))) =
            self.refunds.peek().copied().filter(|next| next.0.0 <= moment)
        {
            self.refunds.pop();
            let permits = &self.held[usize::try_from(which).unwrap()];
            self.limits.refund(permits, Self::at(when)).await;
        }
        self.now = moment;
    }

    /// Sends a request. `Err`: it was refused, with the time after which it may be retried.
    pub(crate) async fn send(&mut self, request: Request) -> Result<(), Duration> {
        let (permits, back) = match self.rules {
            Rules::Shipped => shipped(request),
            Rules::Before => before(request),
        };
        match self.limits.take(&permits, Self::at(self.now)).await {
            TakeResult::Refused(status) => Err(status.retry_after),
            TakeResult::Granted(_) => {
                let which = u64::try_from(self.held.len()).unwrap();
                if !back.is_empty() {
                    self.held.push(back);
                    self.refunds.push(Reverse((self.now + PASSWORD_CHECK, which)));
                }
                Ok(())
            }
        }
    }

    /// Takes an admission's permits without a refund.
    pub(crate) async fn spend(&mut self, admission: &Admission) -> Result<(), Duration> {
        match self.limits.take(admission.permits(), Self::at(self.now)).await {
            TakeResult::Refused(status) => Err(status.retry_after),
            TakeResult::Granted(_) => Ok(()),
        }
    }
}

pub(crate) fn digest(kind: u8, number: u32) -> [u8; 32] {
    let mut digest = [kind; 32];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    digest
}

fn address(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + number).into()
}

/// The permits of a request and those that are refunded, under the shipped rules.
fn shipped(request: Request) -> (Vec<Permit>, Vec<Permit>) {
    let (admission, returned) = match request {
        Request::SignIn(client, right) => {
            let known = client.device.map(|device| DeviceDigests {
                device: digest(2, device),
                devices: digest(3, client.account),
            });
            let account = digest(1, client.account);
            (
                Admission::sign_in(account, known, Some(address(client.address))),
                right,
            )
        }
        Request::Register(client, valid) => (
            Admission::registration(client.device.is_some(), Some(address(client.address))),
            !valid,
        ),
        Request::Mail(client) => (
            Admission::mail(client.device.is_some(), Some(address(client.address))),
            false,
        ),
    };
    let back = if returned { admission.refundable() } else { &[] };
    (admission.permits().to_vec(), back.to_vec())
}

/// The permits of a request and those that are refunded, under the rules before.
fn before(request: Request) -> (Vec<Permit>, Vec<Permit>) {
    let (first, from, client, right) = match request {
        Request::SignIn(client, right) => {
            let guess = client.device.map_or_else(
                || Permit::guess_at(digest(1, client.account)),
                |device| Permit::guess_by_device(digest(2, device)),
            );
            (
                Some(guess),
                Permit::sign_in_from(address(client.address)),
                client,
                right,
            )
        }
        Request::Register(client, _) => (
            None,
            Permit::registration_from(address(client.address)),
            client,
            false,
        ),
        Request::Mail(client) => (None, Permit::mail_from(address(client.address)), client, false),
    };
    let service = client.device.is_none().then(Permit::on_service);
    let permits = first.clone().into_iter().chain([from]).chain(service).collect();
    let back = first.filter(|_| right).into_iter().collect();
    (permits, back)
}
