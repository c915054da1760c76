"""What schemathesis is told of Keyward beside the document: how to sign in, and some bodies that are good.

The rule: a hook only adds chances. Generated data that breaks the document goes out as it was generated; of the data that
fits it, some is given a genuine address, password or token, because chance alone never signs in. Which, is decided by the
data itself, so that a seed gives the same run.
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
    """Calls a route and gives the members of its good answer."""
    answer = session.post(BASE + path, json=body, timeout=30)
    answer.raise_for_status()
    return answer.json()


numbers = iter(range(1, 10**9))


def somebody():
    """A new account that nothing else is done with: its address, its tokens and its id."""
    address = f"somebody-{next(numbers)}@example.com"
    answer = post("/register", {"email": address, "password": ADA["password"]})
    return {"email": address, "access": answer["access_token"], "id": answer["user"]["id"]}


def mailed(address, page):
    """The token of the newest link to a page that was mailed to an address."""
    for _ in range(500):
        for file in sorted(MAIL.glob("*.eml"), key=lambda file: file.stat().st_mtime, reverse=True):
            mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            link = re.search(f"/{page}\\?token=([A-Za-z0-9_-]+)", mail.get_body(("plain",)).get_content())
            if link and address in mail["To"]:
                return link.group(1)
        time.sleep(0.02)
    raise RuntimeError(f"no mail to {address}")


def mailed_reset():
    address = somebody()["email"]
    post("/password/forgot", {"email": address})
    return mailed(address, "reset")


def called_with(access, path, body):
    answer = session.post(BASE + path, json=body, timeout=30, headers={"Authorization": "Bearer " + access})
    answer.raise_for_status()
    return answer.json()


post("/register", ADA)
# There is one first administrator, so the operation is shown to work here, and meets its refusals in the run.
ROOT = {"email": "root@example.com", "password": "grey herons waiting at dusk"}
post("/setup", {**ROOT, "token": SETUP_TOKEN})
# Nothing is done to those who go on calling.
KEPT = {post("/login", account)["user"]["id"] for account in (ADA, ROOT)}


@schemathesis.auth(refresh_interval=None)
class Caller:
    """A new session for each call: calls end sessions, and none may live on what another one ended."""

    def get(self, case, context):
        schemes = {name for one in case.operation.definition.raw.get("security", []) for name in one}
        if "x-permission" in case.operation.definition.raw:
            return "Bearer " + post("/login", ROOT)["access_token"]
        if case.operation.definition.raw["operationId"] == "deleteMe":
            return "Bearer " + somebody()["access"]
        if "bearer" in schemes:
            return "Bearer " + post("/login", ADA)["access_token"]
        if "client" in schemes:
            return "Basic " + base64.b64encode(":".join(CLIENT).encode()).decode()
        return None

    def set(self, case, data, context):
        made_up = (case.headers or {}).get("Authorization")
        # A link brings the token of the call before. Of what chance made up, a little goes out as it is.
        is_linked = made_up is not None and made_up.startswith("Bearer eyJ")
        is_kept = is_linked or (made_up is not None and in_phase(case, TestPhase.FUZZING) and chance(made_up, 8) == 0)
        if data is not None and not is_kept:
            case.headers = {**(case.headers or {}), "Authorization": data}


def chance(of, sides):
    """A number below `sides`, the same for the same thing."""
    return zlib.crc32(json.dumps(of, sort_keys=True, default=str).encode()) % sides


def in_phase(case, phase):
    return case.meta is not None and case.meta.phase.name == phase


def a_new_account(body):
    number = zlib.crc32(repr(sorted(body.items())).encode())
    return {"email": f"user-{number}@example.com", "password": f"grey herons {number} waiting"}


GOOD = {
    "register": lambda body: {**body, **a_new_account(body)},
    "login": lambda body: dict(ADA),
    "forgotPassword": lambda body: {"email": ADA["email"]},
    "resetPassword": lambda body: {"token": mailed_reset(), "new_password": f"a heron by the {chance(body, 99)}th weir"},
    "changePassword": lambda body: {"current_password": ADA["password"], "new_password": ADA["password"]},
    "verifyEmail": lambda body: {
        "token": mailed(somebody()["email"], "verify-email"),
        "new_password": f"a heron by the {chance(body, 99)}th mill",
    },
    "reportNotMe": lambda body: {"token": mailed(somebody()["email"], "not-me")},
    "changeEmail": lambda body: {"new_email": a_new_account(body)["email"], "current_password": ADA["password"]},
    "deleteMe": lambda body: {"password": ADA["password"]},
    "createApiKey": lambda body: {"name": "A key"},
    "adminCreateApiKey": lambda body: {"name": "A key", "permissions": ["users:read"]},
    "adminCreateUser": lambda body: {"email": a_new_account(body)["email"], "role": "viewer"},
    "adminChangeUser": lambda body: {"name": "Somebody", "status": "active"},
    "adminRotateKeys": lambda body: {"compromised": True},
    "refresh": lambda body: {"refresh_token": post("/login", ADA)["refresh_token"]},
    "logout": lambda body: {"refresh_token": post("/login", ADA)["refresh_token"]},
    "introspect": lambda body: {**body, "token": post("/login", ADA)[("access_token", "refresh_token")[chance(body, 2)]]},
    "revoke": lambda body: {**body, "token": post("/login", ADA)["refresh_token"]},
}


def a_good_grant(body):
    if body.get("grant_type") == "password":
        return {"grant_type": "password", "username": ADA["email"], "password": ADA["password"]}
    return {"grant_type": "refresh_token", "refresh_token": post("/login", ADA)["refresh_token"]}


GOOD["token"] = a_good_grant


def a_users_session():
    one = somebody()
    answer = session.get(BASE + "/sessions", timeout=30, headers={"Authorization": "Bearer " + one["access"]})
    return {"id": one["id"], "session": answer.json()["items"][0]["id"]}


def a_users_key():
    one = somebody()
    made = called_with(one["access"], "/api-keys", {"name": "A key"})
    return {"id": one["id"], "key": made["api_key"]["id"]}


def ones_own_key():
    made = called_with(post("/login", ADA)["access_token"], "/api-keys", {"name": "A key"})
    return {"id": made["api_key"]["id"]}


PATHS = {
    "adminEndSession": a_users_session,
    "adminRevokeApiKey": a_users_key,
    "revokeApiKey": ones_own_key,
}


def genuine_path(name, case):
    """The ids of something that is there; for what administrators do with a user, of a user made for it."""
    if name in PATHS:
        return PATHS[name]()
    return {"id": somebody()["id"]} if "/users/{id}" in case.operation.path else None


# Without something genuine these hardly ever do more than refuse.
SELDOM_LUCKY = {"resetPassword", "verifyEmail", "reportNotMe", "deleteMe"}


@schemathesis.hook
def map_case(context, case):
    """Gives half or more of the fitting bodies and paths something genuine, and all of the bodies that links lead on from."""
    name = case.operation.definition.raw.get("operationId")
    # Of two ids, or of an id and a body, both have to be right.
    sides = 8 if name in PATHS or (name in GOOD and case.path_parameters) else 2
    if case.meta is not None and case.path_parameters and case.meta.generation.mode.is_positive:
        path = genuine_path(name, case) if chance(case.path_parameters, sides) else None
        if path is not None and not in_phase(case, TestPhase.STATEFUL):
            case.path_parameters = path
    if case.path_parameters and case.path_parameters.get("id") in KEPT:
        case.path_parameters = {**case.path_parameters, "id": somebody()["id"]}
    if name not in GOOD or case.meta is None or not isinstance(case.body, dict):
        return case
    leads_on = in_phase(case, TestPhase.STATEFUL) or (name in SELDOM_LUCKY and chance(case.body, 8))
    if case.meta.generation.mode.is_positive and (leads_on or chance(case.body, sides)):
        case.body = GOOD[name](case.body)
    return case


answers = collections.defaultdict(collections.Counter)


@schemathesis.hook
def after_call(context, case, response):
    """Counts the answers, for the test to see that the good ones were among them."""
    if case.method == case.operation.method.upper():
        answers[case.operation.definition.raw["operationId"]][response.status_code] += 1


@atexit.register
def write_down():
    with open(SEEN, "w", encoding="utf-8") as file:
        json.dump(answers, file)
