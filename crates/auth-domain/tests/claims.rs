//! When the claims of a token are valid (RFC 9068 §4, RFC 8725 §3.8–3.9).

#![cfg(test)]

use auth_domain::{
    claims::{AccessClaims, ClaimsRefused, Issuer, OWN_CLIENT, RefreshClaims, TokenType},
    ids::{SessionId, TokenId, UserId},
    role::Role,
    rotation::RefreshTokenId,
    time::{Span, Timestamp},
    user::Generation,
};
use chrono::DateTime;
use serde_json::{Value, json};
use uuid::Uuid;

const ISSUER: &str = "https://auth.example.com";
const AUDIENCE: &str = "app";

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn leeway() -> Span {
    Span::seconds(5)
}

fn access() -> AccessClaims {
    AccessClaims {
        iss: ISSUER.to_owned(),
        sub: UserId::from_uuid(Uuid::from_u128(1)),
        aud: AUDIENCE.to_owned(),
        client_id: OWN_CLIENT.to_owned(),
        exp: 4600,
        iat: 1000,
        jti: TokenId::from_uuid(Uuid::from_u128(2)),
        sid: SessionId::from_uuid(Uuid::from_u128(3)),
        generation: Generation::FIRST,
        email: "ada@example.com".to_owned(),
        email_verified: true,
        role: Role::USER,
        kind: TokenType::Access,
        nbf: None,
    }
}

fn refresh() -> RefreshClaims {
    let sid = SessionId::from_uuid(Uuid::from_u128(3));
    RefreshClaims {
        iss: ISSUER.to_owned(),
        sub: UserId::from_uuid(Uuid::from_u128(1)),
        exp: 9000,
        iat: 1000,
        jti: RefreshTokenId {
            session: sid,
            number: 4,
        },
        sid,
        kind: TokenType::Refresh,
    }
}

fn check(claims: &AccessClaims, now: i64) -> Result<(), ClaimsRefused> {
    claims.check(ISSUER, AUDIENCE, at(now), leeway())
}

#[test]
fn an_access_token_is_valid_until_its_expiry_and_the_leeway() {
    assert_eq!(check(&access(), 1000), Ok(()));
    assert_eq!(check(&access(), 4604), Ok(()));
    assert_eq!(check(&access(), 4605), Err(ClaimsRefused::Expired));
}

#[test]
fn a_token_from_the_future_is_invalid_beyond_the_leeway() {
    assert_eq!(check(&access(), 995), Ok(()));
    assert_eq!(check(&access(), 994), Err(ClaimsRefused::Invalid));
}

#[test]
fn another_issuer_audience_or_kind_is_invalid_even_when_expired() {
    for wrong in [
        AccessClaims {
            iss: "https://evil.example".to_owned(),
            ..access()
        },
        AccessClaims {
            aud: "other".to_owned(),
            ..access()
        },
        AccessClaims {
            kind: TokenType::Refresh,
            ..access()
        },
    ] {
        assert_eq!(check(&wrong, 9999), Err(ClaimsRefused::Invalid));
    }
}

#[test]
fn contradictory_times_are_invalid() {
    for (iat, exp) in [
        (4601, 4600),
        (i64::MAX, i64::MAX),
        (i64::MIN, 4600),
        (1000, i64::MAX),
        (1000, -1),
    ] {
        assert_eq!(
            check(&AccessClaims { iat, exp, ..access() }, 2000),
            Err(ClaimsRefused::Invalid),
            "{iat} {exp}"
        );
    }
}

#[test]
fn every_claim_is_required_once_and_with_its_type() {
    let whole = serde_json::to_value(access()).unwrap();
    let read = |value: Value| serde_json::from_value::<AccessClaims>(value);
    assert_eq!(read(whole.clone()).unwrap(), access());
    for (name, value) in whole.as_object().unwrap() {
        let mut without = whole.clone();
        without.as_object_mut().unwrap().remove(name);
        if name == "email_verified" {
            assert!(!read(without).unwrap().email_verified, "of an older release");
        } else {
            assert!(read(without).is_err(), "without {name}");
        }
        let of_another_type = if value.is_boolean() {
            json!("true")
        } else {
            json!(true)
        };
        for wrong in [
            json!(null),
            json!([value]),
            json!({}),
            of_another_type,
            json!(1.5),
        ] {
            let mut changed = whole.clone();
            changed[name] = wrong.clone();
            assert!(read(changed).is_err(), "{name} as {wrong}");
        }
    }
    let twice = whole.to_string().replacen('{', "{\"exp\":99999,", 1);
    assert!(
        serde_json::from_str::<AccessClaims>(&twice).is_err(),
        "a claim twice"
    );
    let huge = whole.to_string().replace("4600", "1e400");
    assert!(serde_json::from_str::<AccessClaims>(&huge).is_err());
}

#[test]
fn an_unknown_claim_is_ignored_rfc_7519_section_4() {
    let later = [
        ("email_confirmed_by", json!("mail")),
        ("attributes", json!({ "role": "admin", "deep": [[[{}]]] })),
        ("auth_time", json!(1000.5)),
        ("admin", json!(true)),
        ("", json!(null)),
    ];
    let (mut of_access, mut of_refresh) = (
        serde_json::to_value(access()).unwrap(),
        serde_json::to_value(refresh()).unwrap(),
    );
    for (name, value) in later {
        of_access[name] = value.clone();
        of_refresh[name] = value;
    }
    assert_eq!(
        serde_json::from_value::<AccessClaims>(of_access).unwrap(),
        access()
    );
    assert_eq!(
        serde_json::from_value::<RefreshClaims>(of_refresh).unwrap(),
        refresh()
    );
}

#[test]
fn a_token_is_invalid_before_its_nbf() {
    let begins = |at| AccessClaims {
        nbf: Some(at),
        ..access()
    };
    assert_eq!(check(&begins(2005), 2000), Ok(()), "within the leeway");
    assert_eq!(check(&begins(2006), 2000), Err(ClaimsRefused::Invalid));
    assert_eq!(check(&begins(i64::MAX), 2000), Err(ClaimsRefused::Invalid));
    let mut whole = serde_json::to_value(access()).unwrap();
    assert!(whole.get("nbf").is_none(), "this server writes none");
    for wrong in [json!(null), json!("2000"), json!([2000]), json!(true)] {
        whole["nbf"] = wrong.clone();
        assert!(
            serde_json::from_value::<AccessClaims>(whole.clone()).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn a_tokens_reference_names_what_revocations_affect() {
    let claims = access();
    let asked = claims.token_ref();
    assert_eq!(
        (asked.token, asked.session, asked.user),
        (claims.jti, claims.sid, claims.sub)
    );
    assert_eq!(asked.generation, claims.generation);
}

#[test]
fn a_refresh_token_is_of_this_issuer_and_names_its_own_session() {
    let check = |claims: &RefreshClaims, now| claims.check(ISSUER, at(now), leeway());
    assert_eq!(check(&refresh(), 1000), Ok(()));
    assert_eq!(
        check(&refresh(), 99_999),
        Ok(()),
        "its expiry is the rotation's decision"
    );
    assert_eq!(refresh().expires_at(), at(9000));
    let other = SessionId::from_uuid(Uuid::from_u128(9));
    for wrong in [
        RefreshClaims {
            iss: "https://evil.example".to_owned(),
            ..refresh()
        },
        RefreshClaims {
            kind: TokenType::Access,
            ..refresh()
        },
        RefreshClaims {
            sid: other,
            ..refresh()
        },
        RefreshClaims {
            iat: 9001,
            ..refresh()
        },
        RefreshClaims {
            exp: i64::MAX,
            ..refresh()
        },
    ] {
        assert_eq!(check(&wrong, 2000), Err(ClaimsRefused::Invalid));
    }
    assert_eq!(
        check(&refresh(), 900),
        Err(ClaimsRefused::Invalid),
        "from the future"
    );
    assert_eq!(
        RefreshClaims {
            exp: i64::MAX,
            ..refresh()
        }
        .expires_at(),
        DateTime::UNIX_EPOCH
    );
}

#[test]
fn an_issuer_is_compared_exactly_or_is_any_loopback_address() {
    let named = Issuer::from("http://127.0.0.1:8080");
    assert!(named.accepts("http://127.0.0.1:8080") && !named.accepts("http://127.0.0.1:8081"));
    for own in [
        "http://127.0.0.1:8080",
        "http://127.0.0.2:1",
        "http://[::1]:18081",
    ] {
        assert!(Issuer::Loopback.accepts(own), "{own}");
    }
    for other in [
        "",
        "127.0.0.1:8080",
        "https://127.0.0.1:8080",
        "http://127.0.0.1",
        "http://127.0.0.1:8080/",
        "http://10.0.0.1:8080",
        "http://localhost:8080",
        "http://127.0.0.1:8080@evil.example",
    ] {
        assert!(!Issuer::Loopback.accepts(other), "{other}");
    }
}
