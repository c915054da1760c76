"""What schemathesis needs besides the document: how to sign in, and some valid bodies.

The rule: a hook only adds valid requests. Generated data that breaks the document is sent as it was generated. Some of the data
that fits the document gets a genuine email address, password or token, because random data alone never signs in. The data itself
decides which, so that a seed gives the same run.
"""

import atexit
import base64
import collections
import email
import email.policy
import json
import os
import pathlib
import re
import time
import zlib

import requests
import schemathesis
from schemathesis.generation.meta import TestPhase

ORIGIN = os.environ["KEYWARD_FUZZ_ORIGIN"]
BASE = ORIGIN + os.environ["KEYWARD_FUZZ_BASE_PATH"]
CLIENT = (os.environ["KEYWARD_FUZZ_CLIENT_ID"], os.environ["KEYWARD_FUZZ_CLIENT_SECRET"])
SETUP_TOKEN = os.environ["KEYWARD_FUZZ_SETUP_TOKEN"]
SEEN = os.environ["KEYWARD_FUZZ_SEEN"]
MAIL = pathlib.Path(os.environ["KEYWARD_FUZZ_MAIL"])
ADA = {"email": "ada@example.com", "password": "correct horse battery staple"}

session = requests.Session()


def post(path, body):
    """Calls a route and returns the members of its successful answer."""
    answer = session.post(BASE + path, json=body, timeout=30)
    answer.raise_for_status()
    return answer.json()


numbers = iter(range(1, 10**9))


def new_user():
    """A new account that no other call uses: its email address, its access token and its id."""
    address = f"user-of-{next(numbers)}@example.com"
    answer = post("/register", {"email": address, "password": ADA["password"]})
    return {"email": address, "access": answer["access_token"], "id": answer["user"]["id"]}


def mailed(address, page):
    """The token of the newest link to a page that was sent to an email address."""
    for _ in range(500):
        for file in sorted(MAIL.glob("*.eml"), key=lambda file: file.stat().st_mtime, reverse=True):
            mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            link = re.search(f"/{page}\\?token=([A-Za-z0-9_-]+)", mail.get_body(("plain",)).get_content())
            if link and address in mail["To"]:
                return link.group(1)
        time.sleep(0.02)
    raise RuntimeError(f"no mail to {address}")


def mailed_reset():
    address = new_user()["email"]
    post("/password/forgot", {"email": address})
    return mailed(address, "reset")


def called_with(access, path, body):
    answer = session.post(BASE + path, json=body, timeout=30, headers={"Authorization": "Bearer " + access})
    answer.raise_for_status()
    return answer.json()


post("/register", ADA)
# There is only one first administrator, so this call shows that the operation works, and the run meets its refusals.
ROOT = {"email": "root@example.com", "password": "grey herons waiting at dusk"}
post("/setup", {**ROOT, "token": SETUP_TOKEN})
# Calls never change these accounts, because the run signs in with them.
PROTECTED = {post("/login", account)["user"]["id"] for account in (ADA, ROOT)}


@schemathesis.auth(refresh_interval=None)
class Caller:
    """A new session for each call, because calls end sessions, and no call may depend on a session that another one ended."""

    def get(self, case, context):
        schemes = {name for one in case.operation.definition.raw.get("security", []) for name in one}
        if "x-permission" in case.operation.definition.raw:
            return "Bearer " + post("/login", ROOT)["access_token"]
        if case.operation.definition.raw["operationId"] == "deleteMe":
            return "Bearer " + new_user()["access"]
        if "bearer" in schemes:
            return "Bearer " + post("/login", ADA)["access_token"]
        if "client" in schemes:
            return "Basic " + base64.b64encode(":".join(CLIENT).encode()).decode()
        return None

    def set(self, case, data, context):
        made_up = (case.headers or {}).get("Authorization")
        # A link carries the token of the previous call. A few of the generated tokens are sent as they are.
        is_linked = made_up is not None and made_up.startswith("Bearer eyJ")
        is_kept = is_linked or (made_up is not None and in_phase(case, TestPhase.FUZZING) and choice(made_up, 8) == 0)
        if data is not None and not is_kept:
            case.headers = {**(case.headers or {}), "Authorization": data}


def choice(of, sides):
    """A number below `sides`, the same for the same data."""
    return zlib.crc32(json.dumps(of, sort_keys=True, default=str).encode()) % sides


def in_phase(case, phase):
    return case.meta is not None and case.meta.phase.name == phase


def new_account(body):
    number = zlib.crc32(repr(sorted(body.items())).encode())
    return {"email": f"user-{number}@example.com", "password": f"grey herons {number} waiting"}


VALID = {
    "register": lambda body: {**body, **new_account(body)},
    "login": lambda body: dict(ADA),
    "forgotPassword": lambda body: {"email": ADA["email"]},
    "resetPassword": lambda body: {"token": mailed_reset(), "new_password": f"a heron by the {choice(body, 99)}th weir"},
    "changePassword": lambda body: {"current_password": ADA["password"], "new_password": ADA["password"]},
    "verifyEmail": lambda body: {
        "token": mailed(new_user()["email"], "verify-email"),
        "new_password": f"a heron by the {choice(body, 99)}th mill",
    },
    "reportNotMe": lambda body: {"token": mailed(new_user()["email"], "not-me")},
    "changeEmail": lambda body: {"new_email": new_account(body)["email"], "current_password": ADA["password"]},
    "deleteMe": lambda body: {"password": ADA["password"]},
    "createApiKey": lambda body: {"name": "A key"},
    "adminCreateApiKey": lambda body: {"name": "A key", "permissions": ["users:read"]},
    "adminCreateUser": lambda body: {"email": new_account(body)["email"], "role": "viewer"},
    "adminChangeUser": lambda body: {"name": "A user", "status": "active"},
    "adminRotateKeys": lambda body: {"compromised": True},
    "refresh": lambda body: {"refresh_token": post("/login", ADA)["refresh_token"]},
    "logout": lambda body: {"refresh_token": post("/login", ADA)["refresh_token"]},
    "introspect": lambda body: {**body, "token": post("/login", ADA)[("access_token", "refresh_token")[choice(body, 2)]]},
    "revoke": lambda body: {**body, "token": post("/login", ADA)["refresh_token"]},
}


def valid_grant(body):
    if body.get("grant_type") == "password":
        return {"grant_type": "password", "username": ADA["email"], "password": ADA["password"]}
    return {"grant_type": "refresh_token", "refresh_token": post("/login", ADA)["refresh_token"]}


VALID["token"] = valid_grant


def session_of_a_user():
    one = new_user()
    answer = session.get(BASE + "/sessions", timeout=30, headers={"Authorization": "Bearer " + one["access"]})
    return {"id": one["id"], "session": answer.json()["items"][0]["id"]}


def key_of_a_user():
    one = new_user()
    made = called_with(one["access"], "/api-keys", {"name": "A key"})
    return {"id": one["id"], "key": made["api_key"]["id"]}


def own_key():
    made = called_with(post("/login", ADA)["access_token"], "/api-keys", {"name": "A key"})
    return {"id": made["api_key"]["id"]}


PATHS = {
    "adminEndSession": session_of_a_user,
    "adminRevokeApiKey": key_of_a_user,
    "revokeApiKey": own_key,
}


def genuine_path(name, case):
    """The ids of something that exists; for administrators' operations on a user, those of a new user."""
    if name in PATHS:
        return PATHS[name]()
    return {"id": new_user()["id"]} if "/users/{id}" in case.operation.path else None


# Without genuine data these operations hardly ever succeed.
RARELY_VALID = {"resetPassword", "verifyEmail", "reportNotMe", "deleteMe"}


@schemathesis.hook
def map_case(context, case):
    """Puts genuine data into half or more of the fitting bodies and paths, and into every body that links continue from."""
    name = case.operation.definition.raw.get("operationId")
    # With two ids, or an id and a body, both have to be right.
    sides = 8 if name in PATHS or (name in VALID and case.path_parameters) else 2
    if case.meta is not None and case.path_parameters and case.meta.generation.mode.is_positive:
        path = genuine_path(name, case) if choice(case.path_parameters, sides) else None
        if path is not None and not in_phase(case, TestPhase.STATEFUL):
            case.path_parameters = path
    if case.path_parameters and case.path_parameters.get("id") in PROTECTED:
        case.path_parameters = {**case.path_parameters, "id": new_user()["id"]}
    if name not in VALID or case.meta is None or not isinstance(case.body, dict):
        return case
    leads_on = in_phase(case, TestPhase.STATEFUL) or (name in RARELY_VALID and choice(case.body, 8))
    if case.meta.generation.mode.is_positive and (leads_on or choice(case.body, sides)):
        case.body = VALID[name](case.body)
    return case


answers = collections.defaultdict(collections.Counter)


@schemathesis.hook
def after_call(context, case, response):
    """Counts the answers, so that the test can check that each operation succeeded."""
    if case.method == case.operation.method.upper():
        answers[case.operation.definition.raw["operationId"]][response.status_code] += 1


@atexit.register
def save_answers():
    with open(SEEN, "w", encoding="utf-8") as file:
        json.dump(answers, file)
