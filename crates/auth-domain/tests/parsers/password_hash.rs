//! Stored hashes (docs/rules.md §4): the bounds of their cost, Argon2, and the rules for all schemes.

use auth_domain::password_hash::{Argon2Params, Argon2Variant, HashRefused, HashScheme, PasswordHash};
use auth_domain::settings::Section as _;
use proptest::prelude::*;

use super::hash_text::{
    BCRYPT_DIGEST, argon2, b64, is_malformed, is_too_costly, pbkdf2, refused, scheme, scrypt,
};

#[test]
fn argon2_hashes_of_every_variant_and_version_are_read() {
    let stored = "$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG";
    let HashScheme::Argon2 {
        variant,
        version,
        memory_kib,
        iterations,
        parallelism,
        salt,
        hash,
    } = scheme(stored)
    else {
        unreachable!("it says Argon2");
    };
    assert_eq!(
        (variant, version, memory_kib, iterations, parallelism),
        (Argon2Variant::I, 19, 65_536, 2, 4)
    );
    assert_eq!((salt.as_slice(), hash.len()), (b"somesalt".as_slice(), 24));
    let older = format!("$argon2d$m=8,t=1,p=1${}${}", b64(8), b64(16));
    assert!(matches!(
        scheme(&older),
        HashScheme::Argon2 {
            variant: Argon2Variant::D,
            version: 16,
            ..
        }
    ));
    assert!(matches!(
        scheme(&argon2("t=2,p=1,m=19456")),
        HashScheme::Argon2 {
            memory_kib: 19_456,
            ..
        }
    ));
    assert_eq!(PasswordHash::parse(stored).unwrap().expose(), stored);
}

#[test]
fn argon2_bounds_hold_at_their_edges() {
    for taken in ["m=524288,t=10,p=16", "m=8,t=1,p=1", "m=128,t=1,p=16"] {
        assert!(PasswordHash::parse(&argon2(taken)).is_ok(), "{taken}");
    }
    for costly in [
        "m=524289,t=1,p=1",
        "m=4194304,t=2,p=1",
        "m=8192,t=11,p=1",
        "m=8192,t=1,p=17",
        "m=99999999999,t=1,p=1",
    ] {
        assert!(is_too_costly(&argon2(costly)), "{costly}");
    }
    for malformed in [
        "m=7,t=1,p=1",
        "m=127,t=1,p=16",
        "m=8,t=0,p=1",
        "m=8,t=1,p=0",
        "m=0,t=1,p=0",
    ] {
        assert!(is_malformed(&argon2(malformed)), "{malformed}");
    }
}

#[test]
fn argon2_lengths_hold_at_their_edges() {
    let with =
        |salt: usize, hash: usize| format!("$argon2id$v=19$m=19456,t=2,p=1${}${}", b64(salt), b64(hash));
    assert!(PasswordHash::parse(&with(8, 16)).is_ok());
    assert!(PasswordHash::parse(&with(64, 64)).is_ok());
    for (salt, hash) in [(7, 32), (65, 32), (16, 15), (16, 65), (0, 32), (16, 0)] {
        assert!(is_malformed(&with(salt, hash)), "{salt}, {hash}");
    }
}

#[test]
fn missing_repeated_unknown_or_malformed_parameters_are_refused() {
    for params in [
        "",
        "m=19456,t=2",
        "t=2,p=1",
        "m=19456,p=1",
        "m=19456,t=2,p=1,m=8",
        "m=19456,t=2,p=1,keyid=AA",
        "m=19456,t=2,p=1,",
        ",m=19456,t=2,p=1",
        "m=19456,t=2,p",
        "m=,t=2,p=1",
        "m=019456,t=2,p=1",
        "m=+19456,t=2,p=1",
        "m=-1,t=2,p=1",
        "m=0x10,t=2,p=1",
        "M=19456,t=2,p=1",
        "m=19456;t=2;p=1",
        "m==1,t=2,p=1",
        "m=１９４５６,t=2,p=1",
    ] {
        assert!(is_malformed(&argon2(params)), "{params}");
    }
    for version in ["v=18", "v=20", "v=", "v=019", "v=1$v=19", "V=19"] {
        assert!(
            is_malformed(&argon2("m=19456,t=2,p=1").replace("v=19", version)),
            "{version}"
        );
    }
}

#[test]
fn missing_or_trailing_parts_are_refused() {
    let whole = argon2("m=19456,t=2,p=1");
    for stored in [
        format!("{whole}$"),
        format!("{whole}$AAAA"),
        format!("{whole} "),
        format!(" {whole}"),
        format!("{whole}\n"),
        format!("{whole}\0"),
        format!("{whole}="),
        whole.replacen("$v=19", "$v=19$v=19", 1),
        whole.rsplit_once('$').unwrap().0.to_owned(),
        "$argon2id$v=19".to_owned(),
        "$argon2id$".to_owned(),
        format!("$argon2id$v=19$m=19456,t=2,p=1$${}", b64(32)),
        format!("{whole}{}", "A".repeat(512)),
    ] {
        assert!(is_malformed(&stored), "{stored:?}");
    }
}

#[test]
fn base64_that_is_not_canonical_is_refused() {
    let with = |salt: &str| format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${}", b64(32));
    assert!(PasswordHash::parse(&with("c29tZXNhbHQ")).is_ok());
    for salt in [
        "c29tZXNhbHQ=",
        "c29tZXNhbHR",
        "c29tZXNhbH-",
        "c29tZXNhbH.",
        "c29tZXNhbHQA=",
    ] {
        assert!(is_malformed(&with(salt)), "{salt}");
    }
}

#[test]
fn an_unknown_scheme_is_refused_as_unknown() {
    for stored in [
        "",
        "$",
        "$$",
        "password",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "$1$salt$hash",
        "$6$salt$hash",
        "md5$salt$hash",
        "$argon2$v=19$x",
        "$ARGON2ID$v=19$x",
        "argon2id$v=19$x",
        "{SSHA}abc",
        "!",
        "pbkdf2_md5$1000$salt$x",
        "bcrypt$$2b$12$x",
    ] {
        assert_eq!(refused(stored), HashRefused::Unknown, "{stored}");
    }
}

#[test]
fn an_over_long_string_is_refused_by_its_length_before_it_is_read() {
    let too_long = HashRefused::Malformed("it is longer than 512 bytes");
    assert_eq!(refused(&"x".repeat(513)), too_long);
    assert_eq!(refused(&"$".repeat(1_000_000)), too_long);
    assert_eq!(refused(&"x".repeat(512)), HashRefused::Unknown);
}

#[test]
fn a_refusal_has_a_code_and_says_which_bound() {
    let costly = refused(&argon2("m=4194304,t=2,p=1"));
    assert_eq!(
        (costly.code(), costly.to_string().contains("512 MiB")),
        ("hash_too_costly", true)
    );
    assert_eq!(refused("x").code(), "hash_unknown");
    assert_eq!(refused("$2b$12$x").code(), "hash_malformed");
}

#[test]
fn only_argon2id_with_the_target_parameters_is_current() {
    let target = Argon2Params::default();
    let current = |stored: &str| PasswordHash::parse(stored).unwrap().is_current(&target);
    let now = argon2("m=19456,t=2,p=1");
    let with =
        |salt: usize, hash: usize| format!("$argon2id$v=19$m=19456,t=2,p=1${}${}", b64(salt), b64(hash));
    assert!(current(&now) && current(&with(16, 32)) && current(&with(32, 64)));
    for stored in [
        argon2("m=19457,t=2,p=1"),
        argon2("m=19455,t=2,p=1"),
        argon2("m=19456,t=3,p=1"),
        argon2("m=19456,t=2,p=2"),
        now.replace("argon2id", "argon2i"),
        now.replace("v=19", "v=16"),
        now.replace("$v=19", ""),
        with(15, 32),
        with(16, 31),
        format!("$2b$12${BCRYPT_DIGEST}"),
    ] {
        assert!(!current(&stored), "{stored}");
    }
    assert!(
        PasswordHash::parse(&argon2("m=65536,t=3,p=4"))
            .unwrap()
            .is_current(&Argon2Params {
                memory_kib: 65_536,
                iterations: 3,
                parallelism: 4
            })
    );
}

#[test]
fn all_target_parameters_are_checked_at_once_and_valid_ones_can_be_read_back() {
    assert_eq!(Argon2Params::default().validate(), []);
    let wrong = Argon2Params {
        memory_kib: 1,
        iterations: 0,
        parallelism: 99,
    };
    let keys: Vec<_> = wrong
        .validate()
        .into_iter()
        .map(|complaint| complaint.key)
        .collect();
    assert_eq!(keys, ["parallelism", "iterations", "memory_kib"]);
    for (memory_kib, iterations, parallelism) in [(524_288, 10, 16), (8, 1, 1), (128, 1, 16)] {
        assert_eq!(
            Argon2Params {
                memory_kib,
                iterations,
                parallelism
            }
            .validate(),
            []
        );
        assert!(
            PasswordHash::parse(&argon2(&format!("m={memory_kib},t={iterations},p={parallelism}"))).is_ok()
        );
    }
    for (memory_kib, iterations, parallelism) in [
        (524_289, 1, 1),
        (127, 1, 16),
        (8, 11, 1),
        (8, 1, 0),
        (u32::MAX, 1, u32::MAX),
    ] {
        assert!(
            !Argon2Params {
                memory_kib,
                iterations,
                parallelism
            }
            .validate()
            .is_empty()
        );
    }
    let read: Argon2Params = serde_json::from_str(r#"{"iterations": 3}"#).unwrap();
    assert_eq!(
        read,
        Argon2Params {
            iterations: 3,
            ..Argon2Params::default()
        }
    );
    assert!(serde_json::from_str::<Argon2Params>(r#"{"memory": 3}"#).is_err());
}

#[test]
fn the_debug_output_of_a_hash_shows_only_its_scheme() {
    let shown = |stored: &str| format!("{:?}", PasswordHash::parse(stored).unwrap());
    assert_eq!(
        shown(&argon2("m=19456,t=2,p=1")),
        "PasswordHash(Argon2 { variant: Id, version: 19, memory_kib: 19456, iterations: 2, parallelism: 1, .. })"
    );
    assert_eq!(
        shown(&format!("$2b$12${BCRYPT_DIGEST}")),
        "PasswordHash(Bcrypt { cost: 12 })"
    );
    assert_eq!(
        shown(&scrypt("ln=17,r=8,p=1")),
        "PasswordHash(Scrypt { log_n: 17, r: 8, p: 1, .. })"
    );
    assert_eq!(
        shown(&pbkdf2("i=1000")),
        "PasswordHash(Pbkdf2 { digest: Sha256, rounds: 1000, .. })"
    );
}

proptest! {
    #[test]
    fn parsing_is_total(stored in any::<String>()) {
        let _ = PasswordHash::parse(&stored);
    }

    #[test]
    fn parsing_what_looks_like_a_hash_is_total(
        stored in "\\$?(argon2id|2b|scrypt|pbkdf2|pbkdf2_sha256)\\$(v=[0-9]{1,3}\\$)?([a-z]{1,2}=[0-9]{0,20},?){0,4}\\$?[0-9]{0,3}[A-Za-z0-9./+=]{0,60}\\$?[A-Za-z0-9./+=]{0,60}"
    ) {
        let _ = PasswordHash::parse(&stored);
    }

    #[test]
    fn no_argon2_hash_beyond_its_bounds_is_ever_accepted(m in any::<u32>(), t in 0u32..40, p in 0u32..40) {
        let taken = PasswordHash::parse(&argon2(&format!("m={m},t={t},p={p}"))).is_ok();
        let params = Argon2Params { memory_kib: m, iterations: t, parallelism: p };
        prop_assert_eq!(taken, params.validate().is_empty());
    }
}
