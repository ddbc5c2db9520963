"""What the tests share: the package as a running linkbridge is driven with it, and the vendor's words.

What the package sends and hands back is stated in the vendor reference, section 1.6: an answer is the document as it
came, one without a body is `{}`; an error is an exception by the method, with the status and the bytes of the body.
"""

import itertools
import json
import os
import unittest
import urllib.request
import uuid

from keycloak import KeycloakAdmin, KeycloakOpenIDConnection

URL = os.environ["LINKBRIDGE_URL"]
KEY = os.environ["LINKBRIDGE_KEY"]
READER_KEY = os.environ["LINKBRIDGE_READER_KEY"]

REALM = "shop"
LINKED = {"errorMessage": "User is already linked with provider"}
NO_LINK = {"error": "Link not found"}
NO_USER = {"error": "User not found"}
FORBIDDEN = {"error": "HTTP 403 Forbidden"}
NOT_FOUND = {"error": "HTTP 404 Not Found"}

COUNT = itertools.count(1)


def account():
    """One of its own for each test, so that tests do not see each other's links."""
    return f"py-{os.getpid()}/ü {next(COUNT)}"


def new_user():
    """A new user of the directory, whom the vendor knows by the same id."""
    user_id = str(uuid.uuid4())
    request = urllib.request.Request(
        f"{URL}/linkbridge/v1/users/{user_id}",
        method="PUT",
        data=json.dumps({"document": {"username": f"mara-{user_id}"}}).encode(),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201
    return user_id


def connect(client_id="sdk", secret=KEY, realm=REALM, **more):
    """The package with the client's own credential: it asks the realm for a token before its first call."""
    return KeycloakAdmin(
        connection=KeycloakOpenIDConnection(
            server_url=URL,
            realm_name=realm,
            user_realm_name=realm,
            client_id=client_id,
            client_secret_key=secret,
            **more,
        )
    )


def link(provider, subject, name):
    return {"identityProvider": provider, "userId": subject, "userName": name}


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.admin = connect()

    def rejected(self, exception, status, document, call, *arguments):
        """The call must raise this, with this status and this document."""
        with self.assertRaises(exception) as raised:
            call(*arguments)
        error = raised.exception
        self.assertEqual((error.response_code, json.loads(error.response_body)), (status, document))
