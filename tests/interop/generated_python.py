"""Calls Keyward with two Python clients generated from its OpenAPI document: openapi-generator's and openapi-python-client's.

usage: generated_python.py ORIGIN FOLDER
"""

import sys

origin, folder = sys.argv[1:]
sys.path[:0] = [f"{folder}/openapi_generator", f"{folder}/openapi_python_client"]
PASSWORD = "violet kettle 41 harbour"

import generated_by_openapi_generator as first  # noqa: E402

with first.ApiClient(first.Configuration(host=origin)) as client:
    answer = first.AccountApi(client).register(first.RegisterBody(email="first@example.com", password=PASSWORD))
    client.configuration.access_token = answer.access_token
    assert first.AccountApi(client).me().email == "first@example.com"
    tokens = first.TokensApi(client).refresh(first.RefreshBody(refresh_token=answer.refresh_token))
    assert tokens.user.email == "first@example.com"

import generated_by_openapi_python_client as second  # noqa: E402
from generated_by_openapi_python_client.api.account import me, register  # noqa: E402
from generated_by_openapi_python_client.models import RegisterBody  # noqa: E402

body = RegisterBody(email="second@example.com", password=PASSWORD)
answer = register.sync(client=second.Client(base_url=origin), body=body)
signed_in = second.AuthenticatedClient(base_url=origin, token=answer.access_token)
assert me.sync(client=signed_in).email == "second@example.com"
print("openapi-generator and openapi-python-client: registered, signed in, read")
