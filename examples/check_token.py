#!/usr/bin/env python3
"""Checks a Keyward access token with the published keys alone, as any other service may.

Usage: check_token.py JWKS_URL ISSUER AUDIENCE < token
Prints the token's subject and its address, if that is confirmed, and exits 0; or says why it is refused and exits 1. Needs PyJWT and cryptography
(Debian: python3-jwt, python3-cryptography). What was revoked since the token was signed can't be seen here: ask /verify.
"""
import json
import sys
import urllib.request

import jwt

ALGORITHMS = {"ES256", "EdDSA", "RS256"}  # never "none", and no HMAC: its secret is no public key


def published_key(url, kid):
    """The key of this name. A service that runs on keeps the set for up to 10 minutes, and fetches it anew, at most
    once in a few seconds, when a token names a key that is not in it."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        keys = json.load(answer)["keys"]
    found = [key for key in keys if key["kid"] == kid and key["alg"] in ALGORITHMS]
    if len(found) != 1:
        raise ValueError("signed with an unknown key")
    return found[0]


def checked_claims(token, url, issuer, audience):
    header = jwt.get_unverified_header(token)
    if header.get("typ") != "at+jwt" or set(header) != {"alg", "typ", "kid"}:
        raise ValueError("not an access token")
    jwk = published_key(url, header["kid"])
    claims = jwt.decode(token, jwt.PyJWK(jwk).key, algorithms=[jwk["alg"]], issuer=issuer, audience=audience, leeway=5,
                        options={"require": ["iss", "aud", "sub", "exp", "iat", "jti"]})
    if claims.get("type") != "access":
        raise ValueError("not an access token")
    return claims


def confirmed_address(claims):
    """The user's address, if it is confirmed to be theirs. One that is not may be another person's, and proves nothing."""
    return claims.get("email") if claims.get("email_verified") is True else None


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: check_token.py JWKS_URL ISSUER AUDIENCE < token")
    try:
        claims = checked_claims(sys.stdin.read().strip(), *sys.argv[1:])
        print(claims["sub"], confirmed_address(claims) or "(no confirmed address)")
    except (jwt.PyJWTError, OSError, ValueError, KeyError, TypeError) as reason:
        sys.exit(f"refused: {reason}")
