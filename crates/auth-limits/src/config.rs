//! The section `[limits]` of the configuration. A limit that makes no sense is refused when it is parsed, every other value by
//! `validate`.

use crate::name::LimitName;
use auth_domain::{
    rate::Limit,
    settings::{Complaint, Complaints, Section},
};
use auth_redis::KeySpace;
use serde::Deserialize;
use std::time::Duration;

/// The largest value of `max_keys`. A counter takes some two hundred bytes, and each limit has as many.
const MOST_KEYS: usize = 10_000_000;

/// The purpose of the keys in Redis, which is their hash tag.
const PURPOSE: &str = "limits";

/// `[limits]`. **The same on every node** that shares a Redis. A limit is written `<how many at once>/<time to refill>`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Whether limits are enforced. If not, nothing is counted.
    pub enabled: bool,
    /// Failed sign-ins from one client address (an IPv6 client is its /64) by clients that are not known devices, and uses of invalid
    /// emailed tokens. A sign-in holds a permit while its password is checked, so the limit should be above the number of passwords
    /// that all nodes together may check or queue at once (`password.queue`).
    pub sign_in_per_address: Limit,
    /// Registrations from one client address.
    pub register_per_address: Limit,
    /// Emails requested from one client address.
    pub mail_per_address: Limit,
    /// Emails to one recipient, from all requesters together.
    pub mail_per_recipient: Limit,
    /// Requests by one user that issue or change credentials.
    pub per_user: Limit,
    /// Failed sign-ins, registrations and email requests by clients that are not known devices, in total. The last tenth is reserved
    /// for email requests.
    pub service: Limit,
    /// Failed sign-ins to one account by clients that are not known devices.
    pub guesses_per_account: Limit,
    /// Failed sign-ins by one known device.
    pub guesses_per_device: Limit,
    /// Failed sign-ins by all known devices of one account together.
    pub guesses_over_devices: Limit,
    /// Sign-ins to one account, successful ones included.
    pub sign_in_per_account: Limit,
    /// Forms that are validated (registration, reset, set-up, a new password), by one client address or signed-in user.
    pub input_per_client: Limit,
    /// How long a request waits for Redis before the process counts by itself.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// The prefix of the keys in Redis.
    pub redis_prefix: String,
    /// How many counters of each limit a process keeps; beyond that, new keys share one counter.
    pub max_keys: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        const HOUR: u32 = 3_600;
        const DAY: u32 = 86_400;
        Self {
            enabled: true,
            sign_in_per_address: Limit::nearest(600, 2 * HOUR),
            register_per_address: Limit::nearest(100, HOUR),
            mail_per_address: Limit::nearest(60, HOUR),
            mail_per_recipient: Limit::nearest(5, HOUR),
            per_user: Limit::nearest(100, HOUR),
            service: Limit::nearest(10_000, HOUR),
            guesses_per_account: Limit::nearest(10, HOUR),
            guesses_per_device: Limit::nearest(10, HOUR),
            guesses_over_devices: Limit::nearest(100, 7 * DAY),
            sign_in_per_account: Limit::nearest(1_000, HOUR),
            input_per_client: Limit::nearest(1_000, HOUR),
            timeout: Duration::from_millis(50),
            redis_prefix: "keyward".to_owned(),
            max_keys: 100_000,
        }
    }
}

impl LimitsConfig {
    /// The limit of that name.
    #[must_use]
    pub const fn limit(&self, name: LimitName) -> Limit {
        match name {
            LimitName::SignInPerAddress => self.sign_in_per_address,
            LimitName::RegisterPerAddress => self.register_per_address,
            LimitName::MailPerAddress => self.mail_per_address,
            LimitName::MailPerRecipient => self.mail_per_recipient,
            LimitName::PerUser => self.per_user,
            LimitName::Service => self.service,
            LimitName::GuessesPerAccount => self.guesses_per_account,
            LimitName::GuessesPerDevice => self.guesses_per_device,
            LimitName::GuessesOverDevices => self.guesses_over_devices,
            LimitName::SignInPerAccount => self.sign_in_per_account,
            LimitName::InputPerClient => self.input_per_client,
        }
    }

    /// Each limit with its name, in the order of the section.
    pub fn all(&self) -> impl Iterator<Item = (LimitName, Limit)> + '_ {
        LimitName::ALL.into_iter().map(|name| (name, self.limit(name)))
    }

    /// A key in the same cluster slot as the counters: the server that holds it holds the counters.
    #[must_use]
    pub fn probe_key(&self) -> String {
        self.keys().key("probe")
    }

    /// The names of the counters in Redis: all in one slot, so that one script reaches all of them.
    pub(crate) fn keys(&self) -> KeySpace {
        KeySpace::new(&self.redis_prefix, PURPOSE)
    }
}

impl Section for LimitsConfig {
    const NAME: &'static str = "limits";

    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        let (shortest, longest) = (Duration::from_millis(1), Duration::from_secs(5));
        complaints.within("timeout", self.timeout, shortest, longest);
        if let Some(complaint) = KeySpace::complaint(&self.redis_prefix, PURPOSE) {
            complaints.add("redis_prefix", complaint);
        }
        complaints.unless(
            (1..=MOST_KEYS).contains(&self.max_keys),
            "max_keys",
            format!("must be 1 to {MOST_KEYS}"),
        );
        complaints.into_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(toml: &str) -> Vec<&'static str> {
        toml::from_str::<LimitsConfig>(toml)
            .unwrap()
            .validate()
            .into_iter()
            .map(|complaint| complaint.key)
            .collect()
    }

    #[test]
    fn the_defaults_are_the_documented_ones_and_each_limit_name_is_a_key() {
        let config: LimitsConfig = toml::from_str("").unwrap();
        assert_eq!(config, LimitsConfig::default());
        assert_eq!(config.validate(), []);
        let shipped = [
            "600/2h", "100/1h", "60/1h", "5/1h", "100/1h", "10000/1h", "10/1h", "10/1h", "100/7d", "1000/1h",
            "1000/1h",
        ];
        for (name, text) in LimitName::ALL.into_iter().zip(shipped) {
            assert_eq!(config.limit(name).to_string(), text, "{name}");
            let set: LimitsConfig = toml::from_str(&format!("{name} = \"7/1d\"")).unwrap();
            assert_eq!(set.limit(name).to_string(), "7/1d");
        }
    }

    #[test]
    fn every_limit_is_listed_once_by_its_name() {
        let config: LimitsConfig = toml::from_str("per_user = \"7/1d\"").unwrap();
        let listed: Vec<_> = config.all().collect();
        assert_eq!(listed.len(), LimitName::ALL.len());
        assert!(listed.contains(&(LimitName::PerUser, Limit::nearest(7, 86_400))));
    }

    #[test]
    fn an_unknown_key_or_a_limit_that_makes_no_sense_is_refused() {
        assert!(toml::from_str::<LimitsConfig>("per_usr = \"1/1h\"").is_err());
        let refused = toml::from_str::<LimitsConfig>("per_user = \"0/1h\"").unwrap_err();
        assert!(refused.to_string().contains("1 to 1000000 at once"), "{refused}");
    }

    #[test]
    fn a_value_that_would_break_the_counting_is_refused() {
        assert_eq!(keys("timeout = \"0s\""), ["timeout"]);
        assert_eq!(keys("redis_prefix = \"a{b}\""), ["redis_prefix"]);
        assert_eq!(
            keys("max_keys = 0\nredis_prefix = \"\""),
            ["redis_prefix", "max_keys"]
        );
    }

    #[test]
    fn the_probe_key_is_in_the_slot_of_the_counters() {
        assert_eq!(LimitsConfig::default().probe_key(), "keyward:{limits}:probe");
    }
}
