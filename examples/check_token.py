#!/usr/bin/env python3
"""Verifies a Keyward access token offline, with the published keys, as your own service would.

Usage: check_token.py JWKS_URL ISSUER AUDIENCE < token
If the token is valid, prints its subject and its confirmed email address, and exits with 0. Otherwise prints the reason and exits
with 1. Needs PyJWT and cryptography (Debian: python3-jwt, python3-cryptography).

An offline check does not see a revocation: it accepts a token until the token expires. To see revocations, ask /verify.
"""
import json
import sys
import urllib.request

import jwt

ALGORITHMS = {"ES256", "EdDSA", "RS256"}  # never "none", and never an HMAC: a public key is no secret


def published_key(url, kid):
    """Returns the published key with this id. A long-running service caches the set for up to 10 minutes. If a token names a
    key that is not in it, the service fetches the set again, but at most once every few seconds."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        keys = json.load(answer)["keys"]
    found = [key for key in keys if key["kid"] == kid and key["alg"] in ALGORITHMS]
    if len(found) != 1:
        raise ValueError("signed with an unknown key")
    return found[0]


def checked_claims(token, url, issuer, audience):
    """Returns the claims of a valid access token, and raises an error otherwise."""
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
    """Returns the user's email address if it is confirmed. An unconfirmed one may belong to another person and proves nothing."""
    return claims.get("email") if claims.get("email_verified") is True else None


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: check_token.py JWKS_URL ISSUER AUDIENCE < token")
    try:
        claims = checked_claims(sys.stdin.read().strip(), *sys.argv[1:])
        print(claims["sub"], confirmed_address(claims) or "(no confirmed address)")
    except (jwt.PyJWTError, OSError, ValueError, KeyError, TypeError) as reason:
        sys.exit(f"refused: {reason}")
