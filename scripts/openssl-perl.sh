#!/bin/sh
# The perl that configures OpenSSL (.cargo/config.toml). libpq uses TLS 1.2 and 1.3 as a client, X.509 and digests. What it never uses
# is left out, so that OpenSSL compiles in two thirds of the time and fewer lines of C are in the program.
set -eu

case ${1:-} in
  *Configure) ;;
  *) exec perl "$@" ;;
esac

# Protocols: QUIC, DTLS, CMP, CMS, OCSP, timestamps, certificate transparency, passwords and shared keys in place of certificates.
# Algorithms: those that no server certificate and no cipher suite of TLS 1.2 or 1.3 has.
exec perl "$@" \
  no-apps no-docs no-http no-engine no-async no-ssl-trace \
  no-quic no-dtls no-srtp no-cmp no-cms no-ocsp no-ts no-ct no-srp no-psk no-nextprotoneg no-rfc3779 no-gost \
  no-legacy no-aria no-bf no-blake2 no-cast no-mdc2 no-md4 no-rc2 no-rc4 no-rmd160 no-siphash no-siv no-ocb \
  no-sm2 no-sm3 no-sm4 no-whirlpool no-ec2m no-argon2 no-ml-dsa no-slh-dsa no-lms
