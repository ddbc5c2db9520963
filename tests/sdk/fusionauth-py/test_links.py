"""Drives a running linkbridge with the vendor's own client for Python, unmodified.

What the client makes of each answer is stated in the vendor reference, section 6.2: a success has the JSON as
`success_response` (None for an empty one), a 400 has the JSON as `error_response` and raises if there is none,
a 404 has nothing, and other errors have the raw response.
"""

import os
import unittest

import requests
from fusionauth.fusionauth_client import FusionAuthClient

URL = os.environ["LINKBRIDGE_URL"]
KEY = os.environ["LINKBRIDGE_KEY"]
READER_KEY = os.environ["LINKBRIDGE_READER_KEY"]

# The fixtures of the vendor reference, section 9.
T = "48426136-8eb7-49d5-81f3-9280b146a334"
A = "206a5101-bf29-487c-af8f-7485ca48d6d5"
B = "61c44860-f2a2-4b8f-9af3-e345dbcd4e5d"
Z = "a30004e5-b082-445d-a7bd-42eb86398b6e"
P = "74c21534-2ecf-4c14-8b0a-444622bedf4b"
G = "82339786-3dff-42a6-aac6-1f1ceecb6c46"


def native(method, path, body):
    headers = {"Authorization": f"Bearer {KEY}", "Linkbridge-Tenant": "acme"}
    answer = requests.request(method, URL + path, json=body, headers=headers, timeout=10)
    assert answer.status_code in (200, 201), f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json()


def pending_link(subject):
    body = {
        "provider_id": "acme-oidc",
        "subject": subject,
        "display_name": "ann@example.test",
        "email": "ann@example.test",
        "username": "ann",
    }
    return native("POST", "/linkbridge/v1/pending-links", body)["pending_id"]


class Links(unittest.TestCase):
    """Each test has subjects of its own, named after it."""

    @classmethod
    def setUpClass(cls):
        for user in (A, B):
            native("PUT", f"/linkbridge/v1/users/{user}", {})

    def setUp(self):
        self.client = FusionAuthClient(KEY, URL)
        self.subject = f"py-{self._testMethodName}"

    def create(self, subject, user=A, **more):
        link = {"identityProviderId": P, "identityProviderUserId": subject, "userId": user, **more}
        return self.client.create_user_link({"identityProviderLink": link})

    def assert_link(self, answer, **expected):
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.was_successful())
        self.assertEqual(list(answer.success_response), ["identityProviderLink"])
        link = dict(answer.success_response["identityProviderLink"])
        for name in ("insertInstant", "lastLoginInstant"):
            instant = link.pop(name)
            self.assertIs(type(instant), int)
            self.assertGreater(instant, 1577836800000)
        fixed = {
            "identityProviderId": P,
            "identityProviderName": "Acme OIDC",
            "identityProviderType": "OpenIDConnect",
            "tenantId": T,
            "userId": A,
        }
        self.assertEqual(link, {**fixed, **expected})

    def assert_field_error(self, answer, field, code):
        self.assertEqual(answer.status, 400)
        self.assertFalse(answer.was_successful())
        self.assertIsNone(answer.success_response)
        errors = answer.error_response
        self.assertEqual(list(errors["fieldErrors"]), [field])
        self.assertEqual([e["code"] for e in errors["fieldErrors"][field]], [code])
        self.assertEqual(errors["generalErrors"], [])

    def assert_empty(self, answer, status):
        self.assertEqual(answer.status, status)
        self.assertIsNone(answer.success_response)
        self.assertEqual(answer.response.content, b"")
        if status == 404:
            self.assertIsNone(answer.error_response)
        else:
            self.assertIs(answer.error_response, answer.response)

    def test_create_with_every_member(self):
        answer = self.create(self.subject, displayName="Änne", token="opaque-1")
        self.assert_link(answer, identityProviderUserId=self.subject, displayName="Änne", token="opaque-1")

    def test_create_flat(self):
        body = {"identityProviderId": P, "identityProviderUserId": self.subject, "userId": A}
        self.assert_link(self.client.create_user_link(body), identityProviderUserId=self.subject)

    def test_retrieve_one(self):
        self.create(self.subject)
        self.assert_link(self.client.retrieve_user_link(P, self.subject, A), identityProviderUserId=self.subject)
        # None is left out of the query: whoever holds the account.
        self.assert_link(self.client.retrieve_user_link(P, self.subject, None), identityProviderUserId=self.subject)
        self.assert_empty(self.client.retrieve_user_link(P, self.subject, B), 404)

    def test_retrieve_by_user_and_by_provider(self):
        self.create(self.subject, B)
        google = {"identityProviderId": G, "identityProviderUserId": self.subject, "userId": B}
        self.assertEqual(self.client.create_user_link({"identityProviderLink": google}).status, 200)

        def names(answer):
            self.assertEqual(answer.status, 200)
            return [link["identityProviderName"] for link in answer.success_response["identityProviderLinks"]]

        self.assertEqual(names(self.client.retrieve_user_links_by_user_id(B)), ["Acme OIDC", "Google"])
        self.assertEqual(names(self.client.retrieve_user_links_by_user_id(B, G)), ["Google"])
        for provider in (P, G):
            self.assertEqual(self.client.delete_user_link(provider, self.subject, B).status, 200)
        self.assertEqual(names(self.client.retrieve_user_links_by_user_id(B)), [])
        self.assert_empty(self.client.retrieve_user_links_by_user_id(Z), 404)

    def test_pending(self):
        for number, body in enumerate(({"identityProviderLink": {"userId": A}}, {"userId": A})):
            subject = f"{self.subject}-{number}"
            pending = pending_link(subject)
            got = self.client.retrieve_pending_link(pending, None)
            self.assertEqual(got.status, 200)
            self.assertEqual(list(got.success_response), ["pendingIdPLink"])
            self.assertEqual(got.success_response["pendingIdPLink"]["identityProviderUserId"], subject)
            counted = self.client.retrieve_pending_link(pending, A)
            self.assertIs(type(counted.success_response["linkCount"]), int)
            made = self.client.create_user_link({"pendingIdPLinkId": pending, **body})
            self.assert_link(made, identityProviderUserId=subject, displayName="ann@example.test")
            again = self.client.create_user_link({"pendingIdPLinkId": pending, **body})
            self.assertEqual(again.status, 400)
            self.assertEqual(set(again.error_response), {"fieldErrors", "generalErrors"})
            self.assert_empty(self.client.retrieve_pending_link(pending, None), 404)

    def test_case_56_delete(self):
        self.create(self.subject)
        answer = self.client.delete_user_link(P, self.subject, A)
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.was_successful())
        self.assertIsNone(answer.success_response)
        self.assertIsNone(answer.error_response)
        self.assert_empty(self.client.retrieve_user_link(P, self.subject, A), 404)
        self.assert_empty(self.client.delete_user_link(P, self.subject, A), 404)

    def test_case_57_reserved_characters(self):
        for subject in ("a b+c/ü&=", "py 'quoted' #?%25 \U0001f600"):
            self.assert_link(self.create(subject), identityProviderUserId=subject)
            self.assert_link(self.client.retrieve_user_link(P, subject, A), identityProviderUserId=subject)
            self.assertEqual(self.client.delete_user_link(P, subject, A).status, 200)

    def test_field_errors(self):
        self.create(self.subject)
        subject = "identityProviderLink.identityProviderUserId"
        user = "identityProviderLink.userId"
        provider = "identityProviderLink.identityProviderId"
        self.assert_field_error(self.create(self.subject), subject, f"[alreadyLinked]{subject}")
        self.assert_field_error(self.create(self.subject, B), subject, f"[alreadyLinked]{subject}")
        self.assert_field_error(self.create("x", None), user, f"[missing]{user}")
        self.assert_field_error(self.create("", A), subject, f"[blank]{subject}")
        self.assert_field_error(self.create("x", Z), user, f"[invalid]{user}")
        self.assert_field_error(self.create("x", "xyz"), user, "[invalidJSON]")
        self.assert_field_error(self.create("x", identityProviderId=Z), provider, f"[invalid]{provider}")
        by_query = self.client.retrieve_user_links_by_user_id("not-a-uuid")
        self.assert_field_error(by_query, "userId", "[couldNotConvert]userId")

    def test_every_400_is_json(self):
        # The client raises on a 400 that is not, so that each of these would be an error, not a failure.
        for call in (
            lambda: self.client.create_user_link({}),
            lambda: self.client.create_user_link([]),
            lambda: self.client.create_user_link("text"),
            lambda: self.client.delete_user_link(P, None, A),
            lambda: self.client.retrieve_user_links_by_user_id(None),
        ):
            answer = call()
            self.assertEqual(answer.status, 400)
            self.assertEqual(set(answer.error_response), {"fieldErrors", "generalErrors"})

    def test_keys(self):
        self.create(self.subject)
        unknown = FusionAuthClient("unknown-key-unknown-key-unknown-key-unknown", URL)
        self.assert_empty(unknown.retrieve_user_link(P, self.subject, A), 401)
        reader = FusionAuthClient(READER_KEY, URL)
        self.assert_link(reader.retrieve_user_link(P, self.subject, A), identityProviderUserId=self.subject)
        self.assert_empty(reader.delete_user_link(P, self.subject, A), 401)

    def test_tenant_header(self):
        self.create(self.subject)
        self.client.set_tenant_id(T)
        self.assert_link(self.client.retrieve_user_link(P, self.subject, A), identityProviderUserId=self.subject)


if __name__ == "__main__":
    unittest.main(verbosity=2)
