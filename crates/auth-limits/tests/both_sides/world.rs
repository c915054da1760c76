//! The clock, the chance and the counters of a simulated day, under the shipped rules or under those before them.

use auth_domain::{
    rate::Limit,
    time::{Span, Timestamp, after},
};
use auth_limits::{Admission, Claim, Known, Limits, LimitsConfig, Taken};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

pub(crate) const SECOND: u64 = 1_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;

/// How long a password is checked, the queue included: the units of a sign-in are held so long.
pub(crate) const CHECK: u64 = 2 * SECOND;

/// Which rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rules {
    /// Those that are shipped.
    Shipped,
    /// Those before: every sign-in, registration and mail counts, right or wrong, and only the guess comes back.
    Before,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    pub(crate) account: u32,
    /// The number of the device, where the account knows it.
    pub(crate) device: Option<u32>,
    pub(crate) address: u32,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Request {
    /// With the right password, or with a wrong one.
    SignIn(Client, bool),
    /// With a form that holds, or with one that does not.
    Register(Client, bool),
    Mail(Client),
}

/// One server and its day.
pub(crate) struct World {
    rules: Rules,
    limits: Limits,
    pub(crate) now: u64,
    chance: u64,
    /// What is given back, and when.
    returns: BinaryHeap<Reverse<(u64, u64)>>,
    held: Vec<Vec<Claim>>,
}

impl World {
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
            chance: 1,
            returns: BinaryHeap::new(),
            held: Vec::new(),
        }
    }

    /// A number below `below`; the same sequence every time (Knuth, TAOCP volume 2, §3.3.4).
    pub(crate) fn chance(&mut self, below: u64) -> u64 {
        self.chance = self
            .chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % below
    }

    fn at(millis: u64) -> Timestamp {
        let start = after(Timestamp::UNIX_EPOCH, Span::seconds(1_800_000_000));
        after(start, Span::milliseconds(i64::try_from(millis).unwrap()))
    }

    /// Moves on to a moment; what was held until then is given back on the way.
    pub(crate) async fn move_to(&mut self, moment: u64) {
        while let Some(Reverse((when, which))) =
            self.returns.peek().copied().filter(|next| next.0.0 <= moment)
        {
            self.returns.pop();
            let claims = &self.held[usize::try_from(which).unwrap()];
            self.limits.refund(claims, Self::at(when)).await;
        }
        self.now = moment;
    }

    /// Whether a request is let through, or after how long it may be asked again.
    pub(crate) async fn ask(&mut self, request: Request) -> Result<(), Duration> {
        let (claims, back) = match self.rules {
            Rules::Shipped => shipped(request),
            Rules::Before => before(request),
        };
        match self.limits.take(&claims, Self::at(self.now)).await {
            Taken::Refused(standing) => Err(standing.retry_after),
            Taken::Granted(_) => {
                let which = u64::try_from(self.held.len()).unwrap();
                if !back.is_empty() {
                    self.held.push(back);
                    self.returns.push(Reverse((self.now + CHECK, which)));
                }
                Ok(())
            }
        }
    }

    /// The same for claims of a test's own, that are spent.
    pub(crate) async fn spend(&mut self, admission: &Admission) -> Result<(), Duration> {
        match self.limits.take(admission.claims(), Self::at(self.now)).await {
            Taken::Refused(standing) => Err(standing.retry_after),
            Taken::Granted(_) => Ok(()),
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

/// What a request takes, and what of it comes back, as it is shipped.
fn shipped(request: Request) -> (Vec<Claim>, Vec<Claim>) {
    let (admission, returned) = match request {
        Request::SignIn(client, right) => {
            let known = client.device.map(|device| Known {
                device: digest(2, device),
                devices: digest(3, client.account),
            });
            let account = digest(1, client.account);
            (
                Admission::sign_in(account, known, Some(address(client.address))),
                right,
            )
        }
        Request::Register(client, holds) => (
            Admission::registration(client.device.is_some(), Some(address(client.address))),
            !holds,
        ),
        Request::Mail(client) => (
            Admission::mail(client.device.is_some(), Some(address(client.address))),
            false,
        ),
    };
    let back = if returned { admission.returned() } else { &[] };
    (admission.claims().to_vec(), back.to_vec())
}

/// The same before.
fn before(request: Request) -> (Vec<Claim>, Vec<Claim>) {
    let (first, from, client, right) = match request {
        Request::SignIn(client, right) => {
            let guess = client.device.map_or_else(
                || Claim::guess_at(digest(1, client.account)),
                |device| Claim::guess_by_device(digest(2, device)),
            );
            (
                Some(guess),
                Claim::sign_in_from(address(client.address)),
                client,
                right,
            )
        }
        Request::Register(client, _) => (
            None,
            Claim::registration_from(address(client.address)),
            client,
            false,
        ),
        Request::Mail(client) => (None, Claim::mail_from(address(client.address)), client, false),
    };
    let service = client.device.is_none().then(Claim::on_service);
    let claims = first.clone().into_iter().chain([from]).chain(service).collect();
    let back = first.filter(|_| right).into_iter().collect();
    (claims, back)
}
