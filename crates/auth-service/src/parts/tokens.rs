//! Verification of access and refresh tokens (RFC 7519, RFC 8725). A signature proves who issued a token. Whether the token is
//! still valid is checked elsewhere, at every call.

use crate::parts::{
    failure::Failure,
    keyset::{KeySet, VerifyingKey, library_algorithm},
    master_key::{MasterKey, Purpose},
    signer::Signer,
};
use auth_domain::{
    claims::{AccessClaims, ClaimsRefused, RefreshClaims, Typ},
    keys::Algorithm,
};
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use moka::sync::Cache;
use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use std::{borrow::Cow, sync::Arc};

/// The longest token that is parsed, in bytes. Ours have less than 1,000.
const MAX_TOKEN: usize = 4096;
/// How many verified tokens are cached. One takes some 1.5 kB with its claims and its entry in the cache (measured).
const CACHED_TOKENS: u64 = 50_000;

/// The members that a header may have. Any other (`jwk`, `jku`, `x5u`, `crit`, `b64`, `zip` …) refuses the token: nothing in a
/// token decides how it is verified (RFC 8725 §3.10, RFC 7515 §4.1.11).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    typ: Cow<'a, str>,
    #[serde(borrow, default)]
    kid: Option<Cow<'a, str>>,
}

/// The token was not issued by this server, or is of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvalidToken;

/// Why an access token, a refresh token or an API key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// It was not issued by this server, or is of another kind.
    #[error("the token is invalid")]
    Invalid,
    /// It has expired.
    #[error("the token has expired")]
    Expired,
    /// It was revoked, or its session was ended.
    #[error("the token has been revoked")]
    Revoked,
    /// All sessions of the user were ended.
    #[error("all user sessions have been revoked")]
    AllSessionsRevoked,
}

/// Why a token does not authenticate its bearer.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The token is refused.
    #[error(transparent)]
    Refused(TokenRefused),
    /// A failure of the server; whether the token is valid is not known.
    #[error(transparent)]
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for TokenError {
    fn from(failure: E) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<TokenRefused> for TokenError {
    fn from(refused: TokenRefused) -> Self {
        Self::Refused(refused)
    }
}

impl From<InvalidToken> for TokenRefused {
    fn from(_: InvalidToken) -> Self {
        Self::Invalid
    }
}

impl From<ClaimsRefused> for TokenRefused {
    fn from(refused: ClaimsRefused) -> Self {
        match refused {
            ClaimsRefused::Invalid => Self::Invalid,
            ClaimsRefused::Expired => Self::Expired,
        }
    }
}

/// Decodes a part that has to be a JSON object. Serde would also accept an array for a struct, and assign its elements by position.
fn decode_object(part: &str) -> Result<Vec<u8>, InvalidToken> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| InvalidToken)?;
    if bytes.first() == Some(&b'{') {
        Ok(bytes)
    } else {
        Err(InvalidToken)
    }
}

/// The parts of a compact token (RFC 7515 §7.1), still encoded.
struct CompactToken<'a> {
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
    /// The signed part of the token: header, dot and claims.
    signed: &'a str,
}

impl<'a> CompactToken<'a> {
    /// Splits a token into its three parts, if it is not too long.
    fn of(token: &'a str) -> Result<Self, InvalidToken> {
        if token.len() > MAX_TOKEN {
            return Err(InvalidToken);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(InvalidToken)?;
        let (header, claims) = signed.split_once('.').ok_or(InvalidToken)?;
        if claims.is_empty() || claims.contains('.') || signature.is_empty() {
            return Err(InvalidToken);
        }
        Ok(Self {
            header,
            claims,
            signature,
            signed,
        })
    }

    /// The claims, if this key signed them for tokens of this type.
    fn verified<C: DeserializeOwned>(
        &self,
        header: &StrictHeader<'_>,
        typ: Typ,
        key: &VerifyingKey,
    ) -> Result<C, InvalidToken> {
        if header.typ != typ.as_str() || header.alg != key.algorithm.as_str() {
            return Err(InvalidToken);
        }
        let message = self.signed.as_bytes();
        match jsonwebtoken::crypto::verify(
            self.signature,
            message,
            &key.key,
            library_algorithm(key.algorithm),
        ) {
            Ok(true) => serde_json::from_slice(&decode_object(self.claims)?).map_err(|_| InvalidToken),
            Ok(false) | Err(_) => Err(InvalidToken),
        }
    }
}

fn strict_header(bytes: &[u8]) -> Result<StrictHeader<'_>, InvalidToken> {
    serde_json::from_slice(bytes).map_err(|_| InvalidToken)
}

struct VerifiedToken {
    kid: Option<String>,
    claims: Arc<AccessClaims>,
}

/// Verifies access tokens, and caches those with a valid signature. The cache never holds a decision on revocation, and an entry
/// counts only while its key is published.
pub(crate) struct AccessVerifier {
    verified: Cache<[u8; 32], Arc<VerifiedToken>>,
}

/// The key of an access token is unknown, by its `kid`: another node may have just created it.
pub(crate) struct UnknownKey(pub(crate) String);

impl AccessVerifier {
    pub(crate) fn new() -> Self {
        Self {
            verified: Cache::new(CACHED_TOKENS),
        }
    }

    /// The claims of a token with a valid signature. The inner result says whether the key is known.
    pub(crate) fn verify(
        &self,
        token: &str,
        keys: &KeySet,
    ) -> Result<Result<Arc<AccessClaims>, UnknownKey>, InvalidToken> {
        let name = fingerprint(token);
        if let Some(known) = self.verified.get(&name) {
            // The tokens of a removed key are not valid any longer.
            if keys.verifying(known.kid.as_deref()).is_some() {
                return Ok(Ok(Arc::clone(&known.claims)));
            }
            self.verified.invalidate(&name);
        }
        let parts = CompactToken::of(token)?;
        let bytes = decode_object(parts.header)?;
        let header = strict_header(&bytes)?;
        // This is checked before the key is looked up: a refresh token names none, and must not cause a reload from the database.
        if header.typ != Typ::Access.as_str() {
            return Err(InvalidToken);
        }
        let Some(key) = keys.verifying(header.kid.as_deref()) else {
            return Ok(Err(UnknownKey(header.kid.unwrap_or_default().into_owned())));
        };
        let claims = Arc::new(parts.verified::<AccessClaims>(&header, Typ::Access, key)?);
        let kid = header.kid.map(Cow::into_owned);
        self.verified.insert(
            name,
            Arc::new(VerifiedToken {
                kid,
                claims: Arc::clone(&claims),
            }),
        );
        Ok(Ok(claims))
    }
}

fn fingerprint(token: &str) -> [u8; 32] {
    sha256(token.as_bytes())
}

/// The SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out
        .iter_mut()
        .zip(digest::digest(&digest::SHA256, bytes).as_ref())
    {
        *to = *from;
    }
    out
}

/// Signs and verifies refresh tokens: HS256 with a separate key that is derived from the master key, so that a token of one kind is
/// never valid as the other (RFC 8725 §3.12).
pub(crate) struct RefreshSigner {
    signing: Signer,
    verifying: VerifyingKey,
}

impl RefreshSigner {
    pub(crate) fn new(master: &MasterKey) -> Result<Self, Failure> {
        let secret = master.derive(Purpose::RefreshTokens)?;
        Ok(Self {
            signing: Signer::shared_secret(secret.as_slice()),
            verifying: VerifyingKey {
                algorithm: Algorithm::HS256,
                key: DecodingKey::from_secret(secret.as_slice()),
            },
        })
    }

    /// Signs a refresh token. The same claims result in the same token, byte for byte, so that a repeated answer equals the first
    /// one.
    pub(crate) fn sign(&self, claims: &RefreshClaims) -> Result<SecretString, Failure> {
        self.signing.sign(Typ::Refresh, claims)
    }

    /// The claims of a token with a valid signature.
    pub(crate) fn verify(&self, token: &str) -> Result<RefreshClaims, InvalidToken> {
        let parts = CompactToken::of(token)?;
        let bytes = decode_object(parts.header)?;
        let header = strict_header(&bytes)?;
        if header.kid.is_some() {
            return Err(InvalidToken);
        }
        parts.verified(&header, Typ::Refresh, &self.verifying)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::hmac;
    use secrecy::ExposeSecret as _;
    use serde_json::{Value, json};

    const SECRET: &[u8] = &[7; 32];

    /// A token signed with the shared secret, which other services have as well.
    fn signed(header: &Value, claims: &Value) -> String {
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let message = format!("{header}.{claims}");
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    #[test]
    fn claims_are_read_by_name_and_never_by_position() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let places = json!([
            "i",
            id,
            "a",
            "keyward",
            2,
            1,
            id,
            id,
            0,
            "a@example.com",
            true,
            "user",
            "access"
        ]);
        let names = [
            "iss",
            "sub",
            "aud",
            "client_id",
            "exp",
            "iat",
            "jti",
            "sid",
            "gen",
            "email",
            "email_verified",
            "role",
            "type",
        ];
        let claims: Value = names
            .iter()
            .copied()
            .zip(places.as_array().unwrap().clone())
            .collect();
        // Serde accepts both, so a check of the form is needed.
        for form in [&claims, &places] {
            assert!(
                serde_json::from_value::<AccessClaims>(form.clone()).is_ok(),
                "{form}"
            );
        }
        let keys = KeySet::shared_secret(SECRET);
        let verify = |header: &Value, claims: &Value| {
            let found = AccessVerifier::new().verify(&signed(header, claims), &keys);
            matches!(found, Ok(Ok(_)))
        };
        let (header, bare) = (
            json!({ "alg": "HS256", "typ": Typ::Access.as_str() }),
            json!(["HS256", Typ::Access.as_str()]),
        );
        assert!(verify(&header, &claims));
        assert!(!verify(&header, &places));
        assert!(!verify(&bare, &claims));
        assert!(!verify(&json!(["HS256", Typ::Access.as_str(), null]), &claims));
        assert!(!verify(&bare, &places));
        let mut later = claims.clone();
        later["of_a_later_release"] = json!([1, { "two": 3 }]);
        assert!(verify(&header, &later), "an unknown claim is ignored");
        let mut more = header;
        more["of_a_later_release"] = json!(1);
        assert!(
            !verify(&more, &claims),
            "an unknown member of the header is refused"
        );
    }

    #[test]
    fn an_unknown_claim_of_a_refresh_token_is_ignored_and_an_unknown_header_member_is_refused() {
        let signer = RefreshSigner::new(&MasterKey::from_bytes([3; 32])).unwrap();
        let session = "01890a5d-ac96-774b-bcce-b302099a8057";
        let claims = json!({
            "iss": "i", "sub": session, "exp": 2, "iat": 1, "jti": format!("{session}.0"), "sid": session,
            "type": "refresh", "of_a_later_release": { "deep": [[]] }
        });
        let token = signer.signing.sign(Typ::Refresh, &claims).unwrap();
        let read = signer.verify(token.expose_secret()).unwrap();
        assert_eq!((read.sid.to_string(), read.exp), (session.to_owned(), 2));
        let wider = URL_SAFE_NO_PAD.encode(
            json!({ "typ": Typ::Refresh.as_str(), "alg": "HS256", "of_a_later_release": 1 }).to_string(),
        );
        let (_, rest) = token.expose_secret().split_once('.').unwrap();
        assert!(signer.verify(&format!("{wider}.{rest}")).is_err());
    }
}
