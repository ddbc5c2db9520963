"""What the tests share: the client as a running linkbridge is driven with it, and the vendor's words.

What the client sends is stated in the vendor reference, section 5.3: Connect with JSON, over HTTP/1.1, without a version
of the protocol. What each call must answer is in sections 2, 4 and 9. An error is an `ApiError` with the status of HTTP
and the document of Connect, whose details are messages in base64 without padding.
"""

import base64
import datetime
import itertools
import os
import unittest
import urllib.request

from zitadel_client import ApiError, TransportOptions, Zitadel
from zitadel_client.models import (
    BetaUserServiceAddIDPLinkRequest,
    BetaUserServiceIDPLink,
    UserServiceAddIDPLinkRequest,
    UserServiceIDPLink,
    UserServiceListIDPLinksRequest,
    UserServiceListQuery,
    UserServiceRemoveIDPLinkRequest,
)

URL = os.environ["LINKBRIDGE_URL"]
TLS_URL = os.environ["LINKBRIDGE_TLS_URL"]
AUTHORITY = os.environ["LINKBRIDGE_AUTHORITY"]
KEY = os.environ["LINKBRIDGE_KEY"]
READER_KEY = os.environ["LINKBRIDGE_READER_KEY"]

ORGANISATION = "311700000000000009"
ACME = "311900000000000002"
GOOGLE = "311900000000000003"
NOBODY = "311800000000009999"

# Ids of errors and their English texts, as section 4.3 has them.
TEXTS = {
    "AUTH-7fs1e": "Token is invalid",
    "AUTH-Bs7Ds": "Organisation doesn't exist",
    "AUTH-AWfge": "No matching permissions found",
    "COMMAND-vzktar7b7f": "User could not be found",
    "COMMAND-39nf2": "Identity Provider Configuration doesn't exist",
    "V3-DKcYh": "External IDP already taken",
    "COMMAND-1M9xR": "External IDP not found",
    "QUERY-4M0fs": "Limit exceeded",
}
RUNES = "value length must be between 1 and 200 runes, inclusive"

COUNT = itertools.count(1)


def account():
    """One of its own for each test, so that tests do not see each other's links."""
    return f"py-{next(COUNT)}"


def new_user():
    """A new user of the directory, whom the vendor knows by the same id."""
    user_id = str(311800000000000000 + os.getpid() * 100000 + next(COUNT))
    request = urllib.request.Request(
        f"{URL}/linkbridge/v1/users/{user_id}",
        method="PUT",
        data=b"{}",
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201
    return user_id


def connect(token, host=URL, headers=()):
    options = TransportOptions(default_headers=dict(headers), ca_cert_path=AUTHORITY)
    return Zitadel.with_access_token(host, token, transport_options=options)


def field(number, text):
    """A text of a protobuf message that is shorter than 128 bytes."""
    raw = text.encode()
    return bytes([number << 3 | 2, len(raw)]) + raw


def details(error_id):
    """The details of Connect for an error of the vendor, made by hand."""
    value = base64.b64encode(field(1, error_id) + field(2, TEXTS[error_id])).rstrip(b"=").decode()
    return [{"type": "zitadel.v1.ErrorDetail", "value": value}]


class Case(unittest.TestCase):
    """The calls that most tests make, each as short as it can be."""

    maxDiff = None
    host = URL

    def setUp(self):
        self.zitadel = connect(KEY, self.host)

    def add(self, user_id, at, idp_id=ACME, name="rosa@ext.example", by=None):
        link = UserServiceIDPLink(idp_id=idp_id, user_id=at, user_name=name)
        request = UserServiceAddIDPLinkRequest(user_id=user_id, idp_link=link)
        return (by or self.zitadel).users.add_idp_link(request)

    def add_beta(self, user_id, at):
        link = BetaUserServiceIDPLink(idp_id=ACME, user_id=at, user_name="rosa@ext.example")
        request = BetaUserServiceAddIDPLinkRequest(user_id=user_id, idp_link=link)
        return self.zitadel.beta_users.add_idp_link(request)

    def list(self, user_id, by=None, **query):
        query = UserServiceListQuery(**query) if query else None
        request = UserServiceListIDPLinksRequest(user_id=user_id, query=query)
        return (by or self.zitadel).users.list_idp_links(request)

    def remove(self, user_id, at, idp_id=ACME, by=None):
        request = UserServiceRemoveIDPLinkRequest(user_id=user_id, idp_id=idp_id, linked_user_id=at)
        return (by or self.zitadel).users.remove_idp_link(request)

    def accounts(self, user_id, **query):
        return [link.user_id for link in self.list(user_id, **query).result or []]

    def assert_details(self, of):
        self.assertEqual(of.resource_owner, ORGANISATION)
        self.assertGreater(int(of.sequence), 0)
        self.assert_now(of.change_date)

    def assert_now(self, instant):
        age = datetime.datetime.now(datetime.timezone.utc) - instant
        self.assertLess(abs(age), datetime.timedelta(minutes=1))

    def rejected(self, status, code, error_id, call, *arguments, **named):
        """The call must fail with this; without an id there are no details, and the message is handed back."""
        with self.assertRaises(ApiError) as raised:
            call(*arguments, **named)
        error = raised.exception
        self.assertEqual(error.code, status, error.response_body)
        self.assertEqual(error.response_body["code"], code)
        if error_id is None:
            self.assertEqual(set(error.response_body), {"code", "message"})
        else:
            message = f"{TEXTS[error_id]} ({error_id})"
            self.assertEqual(error.response_body, {"code": code, "message": message, "details": details(error_id)})
        return error.response_body["message"]
