"""What the tests share: the client as a running linkbridge is driven with it, and the vendor's words.

What the client sends and hands back is stated in the vendor reference, section 7: an answer is a model that keeps
members it does not know in `additional_properties`; an error is an exception by its status, with the text of the
document as `body` and, for the statuses that the operation documents, the document as a model in `data`. What each
call must answer is in sections 3 to 5 and 10.
"""

import datetime
import itertools
import json
import os
import unittest

import ory_client
from ory_client import exceptions

URL = os.environ["LINKBRIDGE_URL"]
OPEN_URL = os.environ["LINKBRIDGE_OPEN_URL"]
KEY = os.environ["LINKBRIDGE_KEY"]
READER_KEY = os.environ["LINKBRIDGE_READER_KEY"]

# An id that nobody has.
NOBODY = "c0a1b2d3-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
TRAITS = {"email": "ana@example.org"}
BAD = "The request was malformed or contained invalid parameters"
NOT_THERE = {"code": 404, "status": "Not Found", "message": "Unable to locate the resource"}
UNAUTHORIZED = {"code": 401, "status": "Unauthorized", "message": "The request could not be authorized"}
FORBIDDEN = {"code": 403, "status": "Forbidden", "message": "The requested action was forbidden"}
CONFLICT = {
    "code": 409,
    "status": "Conflict",
    "message": "Unable to insert or update resource because a resource with that value exists already",
}

SUBJECTS = itertools.count(1)


def subject():
    """One of its own for each test, so that tests do not see each other's links."""
    return f"py-{next(SUBJECTS)}"


def bad_request(reason):
    return {"code": 400, "status": "Bad Request", "message": BAD, "reason": reason}


def connect(token, host=URL):
    configuration = ory_client.Configuration(host=host, access_token=token)
    return ory_client.IdentityApi(ory_client.ApiClient(configuration))


def credentials(oidc=(), saml=()):
    """Credentials of a request, from pairs of provider and subject."""
    made = {}
    for kind, pairs in (("oidc", oidc), ("saml", saml)):
        if pairs:
            entries = [{"provider": provider, "subject": at} for provider, at in pairs]
            made[kind] = {"config": {"providers": entries}}
    return ory_client.IdentityWithCredentials.from_dict(made)


def new_identity(oidc=(), saml=(), **more):
    links = {"credentials": credentials(oidc, saml)} if oidc or saml else {}
    return ory_client.CreateIdentityBody(**{"schema_id": "default", "traits": TRAITS, **links, **more})


def updated(oidc=(), saml=(), **more):
    links = {"credentials": credentials(oidc, saml)} if oidc or saml else {}
    members = {"schema_id": "default", "state": "active", "traits": TRAITS, **links, **more}
    return ory_client.UpdateIdentityBody(**members)


def oidc_entry(provider, at):
    """An entry of the config of oidc credentials, as an answer has it."""
    tokens = {"initial_id_token": "", "initial_access_token": "", "initial_refresh_token": ""}
    return {**tokens, "subject": at, "provider": provider}


def change(op, path, *value):
    """An operation of a JSON Patch."""
    return ory_client.JsonPatch(op=op, path=path, **({"value": value[0]} if value else {}))


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.api = connect(KEY)

    def make(self, oidc=(), saml=(), **more):
        return self.api.create_identity(new_identity(oidc, saml, **more))

    def read(self, identity_id, *include):
        return self.api.get_identity(str(identity_id), include_credential=list(include) or None)

    def find(self, identifier, *include):
        return self.api.list_identities(
            credentials_identifier=identifier, include_credential=list(include) or None
        )

    def put(self, identity, **more):
        return self.api.update_identity(str(identity.id), updated(**more))

    def patch(self, identity, *changes):
        return self.api.patch_identity(str(identity.id), list(changes))

    def unlink(self, identity, identifier, kind="oidc"):
        return self.api.delete_identity_credentials(str(identity.id), kind, identifier=identifier)

    def rejected(self, exception, call, *arguments, **named):
        """The call must raise this; answers the error of the document."""
        with self.assertRaises(exception) as raised:
            call(*arguments, **named)
        error = raised.exception
        self.assertIs(type(error), exception)
        self.assertEqual(error.headers["content-type"], "application/json")
        document = json.loads(error.body)
        self.assertEqual(list(document), ["error"])
        self.assertEqual(error.status, document["error"]["code"])
        # The client's model of an error knows only some of its members; it keeps the others.
        if error.data is not None:
            self.assertEqual(error.data.to_dict(), document)
            others = {name: value for name, value in document["error"].items() if name != "message"}
            self.assertEqual(error.data.error.additional_properties, others)
        return document["error"]

    def refused(self, call, *arguments, **named):
        """The call must be a bad request; the reason is a sentence of the server's own."""
        error = self.rejected(exceptions.BadRequestException, call, *arguments, **named)
        self.assertTrue(error.pop("reason"))
        self.assertEqual(error, {"code": 400, "status": "Bad Request", "message": BAD})

    def assert_instants(self, of):
        for instant in (of.created_at, of.updated_at):
            self.assertGreater(instant, datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc))

    def assert_identity(self, identity, links=None, at=URL, **more):
        """An identity, apart from its id and instants; `links` is None where the answer has no credentials.

        Links are, by type, the identifiers, or the identifiers and the entries of the config."""
        self.assert_instants(identity)
        self.assertEqual(identity.additional_properties, {})
        members = {
            "schema_id": "default",
            "schema_url": f"{at}/schemas/ZGVmYXVsdA",
            "state": "active",
            "traits": TRAITS,
            "metadata_admin": None,
            "metadata_public": None,
            "organization_id": None,
            "external_id": None,
            **more,
        }
        self.assertEqual({name: getattr(identity, name) for name in members}, members)
        if links is None:
            self.assertIsNone(identity.credentials)
            return
        self.assertEqual(set(identity.credentials), set(links))
        for kind, wanted in links.items():
            found = identity.credentials[kind]
            self.assert_instants(found)
            self.assertEqual((found.type, found.version, found.additional_properties), (kind, 0, {}))
            identifiers, entries = wanted if isinstance(wanted, tuple) else (wanted, None)
            self.assertEqual(found.identifiers, identifiers)
            self.assertEqual(found.config, None if entries is None else {"providers": entries})
