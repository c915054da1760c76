//! The claims of a token as JSON. Although their author had the key, they are parsed strictly, survive a round trip, and no time in them causes
//! an overflow.

use auth_domain::{
    claims::{AccessClaims, ClaimsRefused, RefreshClaims, TokenType},
    time::{Span, Timestamp},
};
use chrono::DateTime;

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "keyward";

/// Checks the properties of this module for an input.
///
/// # Panics
/// If a property does not hold.
pub fn check(input: &[u8]) {
    let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a moment");
    let leeway = Span::seconds(5);
    if let Ok(claims) = serde_json::from_slice::<AccessClaims>(input) {
        let text = serde_json::to_vec(&claims).expect("JSON");
        assert_eq!(
            serde_json::from_slice::<AccessClaims>(&text).ok().as_ref(),
            Some(&claims)
        );
        let held = claims.check(ISSUER, AUDIENCE, now, leeway);
        if held.is_ok() {
            assert!(claims.kind == TokenType::Access && claims.iss == ISSUER && claims.aud == AUDIENCE);
            check_times(claims.iat, claims.exp, now, leeway);
        }
        assert_ne!(
            claims.check("https://other.example", AUDIENCE, now, leeway),
            Ok(()),
            "another issuer's"
        );
        assert_ne!(
            claims.check(ISSUER, "other", now, leeway),
            Ok(()),
            "for another service"
        );
        if held == Err(ClaimsRefused::Expired) {
            let later = claims.check(ISSUER, AUDIENCE, now + Span::days(1), leeway);
            assert_eq!(later, Err(ClaimsRefused::Expired), "expired claims stay expired");
        }
        assert_eq!(claims.token_ref().session, claims.sid);
    }
    if let Ok(claims) = serde_json::from_slice::<RefreshClaims>(input) {
        let text = serde_json::to_vec(&claims).expect("JSON");
        assert_eq!(
            serde_json::from_slice::<RefreshClaims>(&text).ok().as_ref(),
            Some(&claims)
        );
        if claims.check(ISSUER, now, leeway).is_ok() {
            assert!(
                claims.kind == TokenType::Refresh && claims.iss == ISSUER && claims.jti.session == claims.sid
            );
            assert_eq!(claims.expires_at().timestamp(), claims.exp);
        }
        assert!(
            serde_json::from_slice::<AccessClaims>(input).is_err(),
            "one kind never reads as the other"
        );
    }
}

fn check_times(iat: i64, exp: i64, now: Timestamp, leeway: Span) {
    assert!(iat <= exp && iat <= (now + leeway).timestamp() && exp > (now - leeway).timestamp() - 1);
}
