"""Drives a running linkbridge with the vendor's own client for Python, unmodified: how it gets its token.

The client asks for the discovery document, then for a token, before its first call. Its calls are RPCs, so a path of
the REST API is asked with the headers that it has made. What it must be answered is in the vendor reference, section 5.4.
"""

import json
import os
import tempfile
import unittest
import urllib.error
import urllib.request

import zitadel_client

URL = os.environ["LINKBRIDGE_URL"]
KEY = os.environ["LINKBRIDGE_KEY"]
# Who signs with which key: what a key file of the vendor has.
SUBJECT, KEY_ID = "311800000000000777", "321700000000000001"


def key_file(folder, subject=SUBJECT):
    with open(os.environ["LINKBRIDGE_ASSERTION_KEY"], encoding="ascii") as pem:
        content = {"type": "serviceaccount", "keyId": KEY_ID, "key": pem.read(), "userId": subject}
    path = os.path.join(folder, "key.json")
    with open(path, "w", encoding="ascii") as file:
        json.dump(content, file)
    return path


def headers_of(client):
    return client.configuration.authenticator.get_auth_headers()


def asked(headers):
    """The status of a call with these headers."""
    headers = {**headers, "Content-Type": "application/json"}
    url = f"{URL}/v2/idps/311900000000000009"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


class Tokens(unittest.TestCase):
    def test_private_key(self):
        with tempfile.TemporaryDirectory() as folder:
            for host in (URL, URL + "/"):
                client = zitadel_client.Zitadel.with_private_key(host, key_file(folder))
                self.assertEqual(asked(headers_of(client)), 200, host)

    def test_client_credentials(self):
        client = zitadel_client.Zitadel.with_client_credentials(URL, "sdk", KEY)
        headers = headers_of(client)
        self.assertNotIn(KEY, headers["Authorization"])
        self.assertEqual(asked(headers), 200)
        # A token is used again until it is nearly over.
        self.assertEqual(headers_of(client), headers)

    def test_access_token(self):
        client = zitadel_client.Zitadel.with_access_token(URL, KEY)
        self.assertEqual(asked(headers_of(client)), 200)

    def test_refusals(self):
        wrong = zitadel_client.Zitadel.with_client_credentials(URL, "sdk", "wrong")
        with self.assertRaisesRegex(Exception, "invalid_client"):
            headers_of(wrong)
        with tempfile.TemporaryDirectory() as folder:
            stranger = zitadel_client.Zitadel.with_private_key(URL, key_file(folder, "nobody"))
            with self.assertRaisesRegex(Exception, "invalid_grant"):
                headers_of(stranger)
        self.assertEqual(asked({"Authorization": "Bearer x"}), 401)


if __name__ == "__main__":
    unittest.main()
