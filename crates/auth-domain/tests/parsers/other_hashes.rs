//! The hashes of other services: bcrypt, scrypt and PBKDF2, in the forms that other services write.

use auth_domain::password_hash::{HashRefused, HashScheme, PasswordHash, Pbkdf2Digest};

use super::hash_text::{BCRYPT_DIGEST, b64, is_malformed, is_too_costly, pbkdf2, refused, scheme, scrypt};

#[test]
fn bcrypt_hashes_of_the_three_sound_versions_are_read() {
    for version in ["2a", "2b", "2y"] {
        assert_eq!(
            scheme(&format!("${version}$12${BCRYPT_DIGEST}")),
            HashScheme::Bcrypt { cost: 12 }
        );
    }
    for version in ["2x", "2", "2c", "bcrypt-sha256"] {
        assert_eq!(
            refused(&format!("${version}$12${BCRYPT_DIGEST}")),
            HashRefused::Unknown
        );
    }
}

#[test]
fn bcrypt_costs_are_bounded_from_4_to_16() {
    for (cost, expected) in [("04", 4), ("16", 16)] {
        assert_eq!(
            scheme(&format!("$2b${cost}${BCRYPT_DIGEST}")),
            HashScheme::Bcrypt { cost: expected }
        );
    }
    for cost in ["17", "31", "99"] {
        assert!(is_too_costly(&format!("$2b${cost}${BCRYPT_DIGEST}")), "{cost}");
    }
    for cost in ["03", "00", "4", "012", "+8", "1x", ""] {
        assert!(is_malformed(&format!("$2b${cost}${BCRYPT_DIGEST}")), "{cost}");
    }
}

#[test]
fn a_bcrypt_hash_has_exactly_its_length_and_its_alphabet() {
    for digest in [
        &BCRYPT_DIGEST[1..],
        &format!("{BCRYPT_DIGEST}."),
        "",
        &BCRYPT_DIGEST.replace('/', "+"),
        &format!("{BCRYPT_DIGEST}$"),
        // The last characters of the salt and of the hash have unused bits that are set.
        &BCRYPT_DIGEST.replacen('O', "P", 1),
        &BCRYPT_DIGEST.replace("jWMUW", "jWMUX"),
    ] {
        assert!(is_malformed(&format!("$2b$12${digest}")), "{digest}");
    }
}

#[test]
fn scrypt_hashes_are_read_within_their_bounds() {
    let passlib = "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E";
    let HashScheme::Scrypt {
        log_n,
        r,
        p,
        salt,
        hash,
    } = scheme(passlib)
    else {
        unreachable!("it says scrypt")
    };
    assert_eq!((log_n, r, p, salt.len(), hash.len()), (16, 8, 1, 16, 32));
    assert!(PasswordHash::parse(&scrypt("ln=17,r=8,p=10")).is_ok());
    assert!(PasswordHash::parse(&scrypt("ln=1,r=1,p=1")).is_ok());
    for costly in [
        "ln=18,r=8,p=1",
        "ln=17,r=9,p=1",
        "ln=17,r=8,p=11",
        "ln=64,r=8,p=1",
        "ln=300,r=8,p=1",
        "ln=16,r=4294967295,p=1",
    ] {
        assert!(is_too_costly(&scrypt(costly)), "{costly}");
    }
    for malformed in [
        "ln=0,r=8,p=1",
        "ln=16,r=0,p=1",
        "ln=16,r=8,p=0",
        "ln=16,r=8",
        "n=16,r=8,p=1",
        "ln=16,r=8,p=1,ln=2",
    ] {
        assert!(is_malformed(&scrypt(malformed)), "{malformed}");
    }
}

#[test]
fn pbkdf2_is_read_in_three_spellings() {
    let read = |stored: &str| match scheme(stored) {
        HashScheme::Pbkdf2 {
            digest,
            rounds,
            salt,
            hash,
        } => (digest, rounds, salt.len(), hash.len()),
        other => unreachable!("{other:?}"),
    };
    let passlib = "$pbkdf2-sha256$6400$.6UI/S.nXIk8jcbdHx3Fhg$98jZicV16ODfEsEZeYPGHU3kbrUrvUEXOPimVSQDD44";
    assert_eq!(read(passlib), (Pbkdf2Digest::Sha256, 6_400, 16, 32));
    let django = "pbkdf2_sha256$30000$Vo0VlMnkR4Bk$qEvtdyZRWTcOsCnI/oQ7fVOu1XAURIZYoOZ3iq8Dr4M=";
    assert_eq!(read(django), (Pbkdf2Digest::Sha256, 30_000, 12, 32));
    assert!(matches!(scheme(django), HashScheme::Pbkdf2 { salt, .. } if salt == b"Vo0VlMnkR4Bk"));
    assert_eq!(
        read(&pbkdf2("i=600000,l=32")),
        (Pbkdf2Digest::Sha256, 600_000, 16, 32)
    );
    assert_eq!(read(&pbkdf2("i=600000")), (Pbkdf2Digest::Sha256, 600_000, 16, 32));
    for (name, digest, length) in [
        ("$pbkdf2", Pbkdf2Digest::Sha1, 20),
        ("$pbkdf2-sha1", Pbkdf2Digest::Sha1, 20),
        ("$pbkdf2-sha512", Pbkdf2Digest::Sha512, 64),
    ] {
        assert_eq!(
            read(&format!("{name}$131000${}${}", b64(16), b64(length))).0,
            digest,
            "{name}"
        );
    }
    assert_eq!(
        read(&format!("pbkdf2_sha1$36000$abcdefgh${}=", b64(20))).0,
        Pbkdf2Digest::Sha1
    );
    assert_eq!(
        read(&format!("pbkdf2_sha512$36000$abcdefgh${}==", b64(64))).0,
        Pbkdf2Digest::Sha512
    );
}

#[test]
fn pbkdf2_rounds_are_bounded_from_a_thousand_to_ten_million() {
    for spelled in ["i=1000", "i=10000000", "1000", "10000000"] {
        assert!(PasswordHash::parse(&pbkdf2(spelled)).is_ok(), "{spelled}");
    }
    for costly in [
        "i=10000001",
        "10000001",
        "i=4294967296",
        "99999999999999999999999",
    ] {
        assert!(is_too_costly(&pbkdf2(costly)), "{costly}");
    }
    for malformed in [
        "i=999",
        "999",
        "0",
        "01000",
        "i=1000,l=31",
        "i=1000,l=32,l=32",
        "l=32",
        "i=1000,x=1",
        "",
        "i=",
    ] {
        assert!(is_malformed(&pbkdf2(malformed)), "{malformed}");
    }
    // Two blocks of output need twice the rounds.
    let two_blocks = |rounds: u32| format!("$pbkdf2-sha256$i={rounds}${}${}", b64(16), b64(33));
    assert!(PasswordHash::parse(&two_blocks(5_000_000)).is_ok());
    assert!(is_too_costly(&two_blocks(5_000_001)));
}

#[test]
fn each_spelling_of_pbkdf2_has_its_own_base64() {
    let phc_with_a_dot = pbkdf2("i=1000").replace(&b64(16), ".6UI/S.nXIk8jcbdHx3Fhg");
    let passlib_with_a_plus = pbkdf2("1000").replace(&b64(16), "+6UI/S+nXIk8jcbdHx3Fhg");
    let django_unpadded = format!("pbkdf2_sha256$30000$Vo0VlMnkR4Bk${}", b64(32));
    let django_with_a_short_salt = format!("pbkdf2_sha256$30000$salt${}=", b64(32));
    let django_with_a_fifth_part = format!("pbkdf2_sha256$30000$Vo0VlMnkR4Bk${}=$", b64(32));
    for stored in [
        phc_with_a_dot,
        passlib_with_a_plus,
        django_unpadded,
        django_with_a_short_salt,
        django_with_a_fifth_part,
    ] {
        assert!(is_malformed(&stored), "{stored}");
    }
}
