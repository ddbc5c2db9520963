"""Service accounts: the client finds the token endpoint by discovery, and asks for a token with a key file or a secret.

Its library of OAuth refuses to do so without TLS.
"""

import json
import os
import tempfile
import unittest

from support import ACME, AUTHORITY, TLS_URL, Case, account, new_user
from zitadel_client import TransportOptions, Zitadel, ZitadelError

KEY_FILE = os.environ["LINKBRIDGE_KEY_FILE"]
CLIENT_ID = os.environ["LINKBRIDGE_CLIENT_ID"]
CLIENT_SECRET = os.environ["LINKBRIDGE_CLIENT_SECRET"]
OPTIONS = TransportOptions(ca_cert_path=AUTHORITY)


class Tokens(Case):
    host = TLS_URL

    def works(self, zitadel):
        """The client behind it may add and list, and may not remove."""
        user_id, at = new_user(), account()
        self.assert_details(self.add(user_id, at, by=zitadel).details)
        (link,) = self.list(user_id, by=zitadel).result
        self.assertEqual((link.idp_id, link.user_id), (ACME, at))
        self.rejected(403, "permission_denied", "AUTH-AWfge", self.remove, user_id, at, by=zitadel)

    def test_key_file(self):
        self.works(Zitadel.with_private_key(TLS_URL, KEY_FILE, transport_options=OPTIONS))

    def test_client_credentials(self):
        self.works(Zitadel.with_client_credentials(TLS_URL, CLIENT_ID, CLIENT_SECRET, transport_options=OPTIONS))

    def test_wrong_secret(self):
        for client_id, secret in ((CLIENT_ID, "wrong"), ("nobody", CLIENT_SECRET)):
            zitadel = Zitadel.with_client_credentials(TLS_URL, client_id, secret, transport_options=OPTIONS)
            with self.assertRaisesRegex(ZitadelError, "invalid_client"):
                self.list("1", by=zitadel)

    def test_wrong_key_file(self):
        with open(KEY_FILE) as file:
            good = json.load(file)
        for change in ({"userId": "1"}, {"keyId": "1"}):
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                json.dump({**good, **change}, file)
                file.flush()
                zitadel = Zitadel.with_private_key(TLS_URL, file.name, transport_options=OPTIONS)
            with self.assertRaisesRegex(ZitadelError, "invalid_grant"):
                self.list("1", by=zitadel)


if __name__ == "__main__":
    unittest.main()
