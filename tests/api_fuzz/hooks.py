"""What schemathesis is told of Keyward beside the document: how to sign in, and some bodies that are good.

The rule: a hook only adds chances. Generated data that breaks the document goes out as it was generated; of the data that
fits it, some is given a genuine address, password or token, because chance alone never signs in. Which, is decided by the
data itself, so that a seed gives the same run.
"""

import atexit
import base64
import collections
import json
import os
import zlib

import requests
import schemathesis
from schemathesis.generation.meta import TestPhase

ORIGIN = os.environ["KEYWARD_FUZZ_ORIGIN"]
BASE = ORIGIN + os.environ["KEYWARD_FUZZ_BASE_PATH"]
CLIENT = (os.environ["KEYWARD_FUZZ_CLIENT_ID"], os.environ["KEYWARD_FUZZ_CLIENT_SECRET"])
SETUP_TOKEN = os.environ["KEYWARD_FUZZ_SETUP_TOKEN"]
SEEN = os.environ["KEYWARD_FUZZ_SEEN"]
ADA = {"email": "ada@example.com", "password": "correct horse battery staple"}

session = requests.Session()


def post(path, body):
    """Calls a route and gives the members of its good answer."""
    answer = session.post(BASE + path, json=body, timeout=30)
    answer.raise_for_status()
    return answer.json()


post("/register", ADA)


@schemathesis.auth(refresh_interval=None)
class Caller:
    """A new session for each call: calls end sessions, and none may live on what another one ended."""

    def get(self, case, context):
        schemes = {name for one in case.operation.definition.raw.get("security", []) for name in one}
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
    "setup": lambda body: {**body, **a_new_account(body), "token": SETUP_TOKEN},
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


@schemathesis.hook
def map_case(context, case):
    """Gives half of the fitting bodies something genuine, and all of those that links lead on from."""
    name = case.operation.definition.raw.get("operationId")
    if name not in GOOD or case.meta is None or not isinstance(case.body, dict):
        return case
    leads_on = in_phase(case, TestPhase.STATEFUL)
    if case.meta.generation.mode.is_positive and (leads_on or chance(case.body, 2)):
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
