"""A mail server for tests, on 127.0.0.1: it records the mails that it receives, and misbehaves on request.

    server.py RECORDS [--port PORT] [--tls none|starttls|implicit] [--tls-folder DIR] [--auth NAME:PASSWORD]
              [--do WHAT] [--answer REPLY] [--times N] [--only ADDRESS] [--lower-case] [--no-utf8]

Without --port it uses a free port. It prints `listening PORT` and serves until its input ends. Each accepted mail becomes a line of JSON
in RECORDS before it is answered: envelope (`from`, `to`), the client's name in EHLO (`ehlo`), `headers`, `text`, `html`, `raw`, the number
of the `connection`, whether that was under `tls`, and the signed-in `user`. All bytes received without TLS are also kept in RECORDS.clear.

With --tls it creates a throwaway CA in the folder: `ca.pem`, and an unrelated `other-ca.pem`. With --auth it accepts no mail without that
sign-in; without TLS it offers the sign-in nevertheless, as a careless server does.

WHAT it does to the first N mails or connections (without --times: to all; with --only: only to mails to that address):
    accept            accepts them
    refuse-sender     550 to MAIL           refuse-recipient  550 to RCPT          refuse-message  554 to the message,
    defer-recipient   451 to RCPT           defer-message     451 to the message                   which it quotes
    want-sign-in      530 to RCPT           hang-after-data   never answers to the message
    hang-at-connect   never greets          drop-after-data   records the mail, and disconnects before it answers
    close-at-connect  421, and disconnects                  answer-late       records the mail, and answers a while later
With --answer the refusals have this text instead, with the address in place of ADDRESS. With --lower-case the keywords of EHLO are in
lower case, which RFC 5321 allows; with --no-utf8 it does not offer SMTPUTF8.
"""

import argparse
import asyncio
import datetime
import email
import email.policy
import ipaddress
import itertools
import json
import logging
import os
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def make_ca(folder):
    """Creates a CA with a certificate for this machine, and a CA that signed nothing. Returns the server's context."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    now = datetime.datetime.now(datetime.timezone.utc)

    def name(text):
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    def certificate(subject, key, issuer, issuer_key, extension, critical):
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=12))
            .add_extension(extension, critical)
            .sign(issuer_key, hashes.SHA256())
        )

    def pem(file, *things):
        path = os.path.join(folder, file)
        with open(path, "wb") as out:
            for thing in things:
                out.write(thing)
        return path

    encoding = serialization.Encoding.PEM
    authority = x509.BasicConstraints(ca=True, path_length=0)
    keys = {who: ec.generate_private_key(ec.SECP256R1()) for who in ("ca", "other", "server")}
    ca = certificate("Test CA", keys["ca"], "Test CA", keys["ca"], authority, True)
    other = certificate("Other CA", keys["other"], "Other CA", keys["other"], authority, True)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    own = certificate("localhost", keys["server"], "Test CA", keys["ca"], names, False)
    pem("ca.pem", ca.public_bytes(encoding))
    pem("other-ca.pem", other.public_bytes(encoding))
    key = keys["server"].private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = pem("server.pem", own.public_bytes(encoding), key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


# How long `answer-late` takes: long enough for a test to act meanwhile.
LATE = 0.3


class Behaviour:
    """What to do, for which recipient, and how many more times."""

    def __init__(self, what, answer, times, only):
        self.what = what
        self.answer = answer
        self.left = times
        self.only = only

    def refusal(self, usual, address=""):
        return (self.answer or usual).replace("ADDRESS", address)

    def now(self, what, *recipients):
        if self.what != what or self.left == 0:
            return False
        if self.only and self.only not in recipients:
            return False
        self.left -= 1
        return True


class Connection(SMTP):
    """Has a number, and records the bytes that it receives without TLS."""

    numbers = itertools.count(1)

    def __init__(self, *arguments, records, implicit, **options):
        super().__init__(*arguments, **options)
        self.number = next(self.numbers)
        self.clear = None if implicit else records + ".clear"
        self.under_tls = lambda: implicit or self._tls_protocol is not None

    def data_received(self, data):
        if not self.under_tls():
            with open(self.clear, "ab") as out:
                out.write(data)
        super().data_received(data)


class Handler:
    """Records mails, or misbehaves as requested."""

    def __init__(self, records, behaviour, lower_case):
        self.records = records
        self.behaviour = behaviour
        self.lower_case = lower_case

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return [line.lower() for line in responses] if self.lower_case else responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.behaviour.now("refuse-sender"):
            return self.behaviour.refusal("550 5.7.1 not from you")
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.behaviour.now("refuse-recipient", address):
            return self.behaviour.refusal("550 5.1.1 <ADDRESS>: no such mailbox", address)
        if self.behaviour.now("defer-recipient", address):
            return "451 4.7.1 greylisted, try again"
        if self.behaviour.now("want-sign-in", address):
            return "530 5.7.0 authentication required"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        text = message.get_body(("plain",)).get_content()
        if self.behaviour.now("refuse-message", *envelope.rcpt_tos):
            return self.behaviour.refusal("554 5.7.1 looks like spam: ") + " ".join(text.split())[:400]
        if self.behaviour.now("defer-message", *envelope.rcpt_tos):
            return "451 4.3.0 no room right now"
        if self.behaviour.now("hang-after-data", *envelope.rcpt_tos):
            await asyncio.Event().wait()
        self.keep(server, session, envelope, message, text)
        if self.behaviour.now("drop-after-data", *envelope.rcpt_tos):
            server.transport.abort()
            await asyncio.Event().wait()
        if self.behaviour.now("answer-late", *envelope.rcpt_tos):
            await asyncio.sleep(LATE)
        return "250 2.0.0 taken"

    def keep(self, server, session, envelope, message, text):
        record = {
            "from": envelope.mail_from,
            "ehlo": session.host_name,
            "to": envelope.rcpt_tos,
            "headers": {name: str(value) for name, value in message.items()},
            "text": text,
            "html": message.get_body(("html",)).get_content(),
            "raw": envelope.original_content.decode("utf-8", "replace"),
            "connection": server.number,
            "tls": server.under_tls(),
            "user": session.auth_data.login.decode() if session.authenticated else None,
        }
        with open(self.records, "a", encoding="utf-8") as out:
            out.write(json.dumps(record) + "\n")


def authenticator(wanted):
    """Accepts one name and password."""

    def check(server, session, envelope, mechanism, data):
        right = isinstance(data, LoginPassword) and data.login + b":" + data.password == wanted.encode()
        return AuthResult(success=right, handled=right, auth_data=data)

    return check


async def serve(options):
    loop = asyncio.get_running_loop()
    behaviour = Behaviour(options.do, options.answer, options.times, options.only)
    context = make_ca(options.tls_folder) if options.tls != "none" else None
    implicit = options.tls == "implicit"
    handler = Handler(options.records, behaviour, options.lower_case)

    def smtp():
        return Connection(
            handler,
            records=options.records,
            implicit=implicit,
            hostname="localhost",
            enable_SMTPUTF8=not options.no_utf8,
            tls_context=context if options.tls == "starttls" else None,
            authenticator=authenticator(options.auth) if options.auth else None,
            auth_required=bool(options.auth),
            auth_require_tls=options.tls == "starttls",
        )

    class Deaf(asyncio.Protocol):
        def connection_made(self, transport):
            if options.do == "close-at-connect":
                transport.write(b"421 4.3.2 closing\r\n")
                transport.close()

    def connection():
        deaf = behaviour.now("hang-at-connect") or behaviour.now("close-at-connect")
        return Deaf() if deaf else smtp()

    server = await loop.create_server(connection, "127.0.0.1", options.port, ssl=context if implicit else None)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    os._exit(0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("records")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", choices=["none", "starttls", "implicit"], default="none")
    parser.add_argument("--tls-folder")
    parser.add_argument("--auth")
    parser.add_argument("--do", default="accept")
    parser.add_argument("--answer")
    parser.add_argument("--times", type=int, default=-1)
    parser.add_argument("--only")
    parser.add_argument("--lower-case", action="store_true")
    parser.add_argument("--no-utf8", action="store_true")
    # The tests cause broken and careless sessions, so their warnings are noise.
    logging.disable()
    warnings.simplefilter("ignore")
    asyncio.run(serve(parser.parse_args()))


main()
