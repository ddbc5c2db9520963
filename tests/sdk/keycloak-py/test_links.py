"""Drives a running linkbridge with the package that most programs in Python use for this vendor, unmodified."""

import unittest
import uuid

from keycloak import KeycloakAuthenticationError, KeycloakDeleteError, KeycloakGetError, KeycloakPostError
from support import FORBIDDEN, LINKED, NO_LINK, NO_USER, NOT_FOUND, READER_KEY
from support import Case, account, connect, link, new_user


class Links(Case):
    def test_a_link_comes_and_goes(self):
        user_id, at = new_user(), account()
        self.assertEqual(self.admin.get_user_social_logins(user_id), [])
        self.assertEqual(self.admin.add_user_social_login(user_id, "google", at, "mara@example.test"), {})
        self.assertEqual(self.admin.get_user_social_logins(user_id), [link("google", at, "mara@example.test")])
        self.assertEqual(self.admin.delete_user_social_login(user_id, "google"), {})
        self.assertEqual(self.admin.get_user_social_logins(user_id), [])
        self.rejected(KeycloakDeleteError, 404, NO_LINK, self.admin.delete_user_social_login, user_id, "google")

    def test_one_link_at_a_provider(self):
        user_id, at = new_user(), account()
        self.admin.add_user_social_login(user_id, "google", at, "mara")
        for other in (at, account()):
            self.rejected(KeycloakPostError, 409, LINKED, self.admin.add_user_social_login, user_id, "google", other, "mara")
        self.admin.add_user_social_login(user_id, "acme-oidc", at, "mara")
        found = self.admin.get_user_social_logins(user_id)
        self.assertCountEqual(found, [link("google", at, "mara"), link("acme-oidc", at, "mara")])

    def test_an_account_has_one_holder(self):
        user_id, at = new_user(), account()
        self.admin.add_user_social_login(user_id, "google", at, "mara")
        taken = {"errorMessage": "Federated identity returned by google is already linked to another user."}
        self.rejected(KeycloakPostError, 409, taken, self.admin.add_user_social_login, new_user(), "google", at, "noor")

    def test_a_user_is_found_by_account(self):
        user_id, at = new_user(), account()
        self.admin.add_user_social_login(user_id, "google", at, "mara")
        # A search without bounds asks for pages of 100 until one is empty.
        (found,) = self.admin.get_users({"idpAlias": "google", "idpUserId": at})
        self.assertGreater(found.pop("createdTimestamp"), 1_577_836_800_000)
        wanted = {"id": user_id, "username": f"mara-{user_id}", "emailVerified": False, "enabled": True}
        self.assertEqual(found, wanted)
        user = self.admin.get_user(user_id)
        del user["createdTimestamp"]
        self.assertEqual(user, {**wanted, "federatedIdentities": [link("google", at, "mara")]})
        for query in ({"idpAlias": "acme-oidc", "idpUserId": at}, {"idpAlias": "google", "idpUserId": at.upper()}):
            self.assertEqual(self.admin.get_users(query), [])

    def test_providers(self):
        found = self.admin.get_idps()
        self.assertCountEqual(
            found,
            [
                {"alias": "acme-oidc", "displayName": "Acme OIDC", "providerId": "oidc", "enabled": True, "config": {}},
                {"alias": "google", "displayName": "Google", "providerId": "google", "enabled": True, "config": {}},
            ],
        )
        self.assertEqual(self.admin.get_idp("google")["alias"], "google")
        self.rejected(KeycloakGetError, 404, NOT_FOUND, self.admin.get_idp, "nope")

    def test_nobody(self):
        nobody = str(uuid.uuid4())
        self.rejected(KeycloakGetError, 404, NO_USER, self.admin.get_user_social_logins, nobody)
        self.rejected(KeycloakGetError, 404, NO_USER, self.admin.get_user, nobody)
        self.rejected(KeycloakDeleteError, 404, NO_USER, self.admin.delete_user_social_login, nobody, "google")
        add = self.admin.add_user_social_login
        self.rejected(KeycloakPostError, 404, NO_USER, add, nobody, "google", account(), "mara")
        self.rejected(KeycloakPostError, 404, NOT_FOUND, add, new_user(), "nope", account(), "mara")

    def test_who_may(self):
        user_id, at = new_user(), account()
        reader = connect("reader", READER_KEY)
        self.assertEqual(reader.get_user_social_logins(user_id), [])
        add = reader.add_user_social_login
        self.rejected(KeycloakPostError, 403, FORBIDDEN, add, user_id, "google", at, "mara")
        refused = {"error": "unauthorized_client", "error_description": "Invalid client or Invalid client credentials"}
        for client_id, secret in (("sdk", "wrong"), ("nobody", READER_KEY)):
            stranger = connect(client_id, secret)
            self.rejected(KeycloakAuthenticationError, 401, refused, stranger.get_user_social_logins, user_id)

    def test_another_realm(self):
        nowhere = connect(realm="nope")
        refused = {"error": "unauthorized_client", "error_description": "Invalid client or Invalid client credentials"}
        self.rejected(KeycloakAuthenticationError, 401, refused, nowhere.get_idps)
        # A token is of its realm, and is told nothing of others.
        self.admin.get_idps()
        self.admin.change_current_realm("nope")
        self.rejected(KeycloakGetError, 403, FORBIDDEN, self.admin.get_idps)

    def test_a_token_of_ones_own(self):
        user_id = new_user()
        token = self.admin.connection.keycloak_openid.token(grant_type="client_credentials")
        self.assertEqual({name: token[name] for name in ("token_type", "expires_in", "refresh_expires_in")},
                         {"token_type": "Bearer", "expires_in": 300, "refresh_expires_in": 0})
        self.assertNotIn("refresh_token", token)
        own = connect(token=token)
        self.assertEqual(own.get_user_social_logins(user_id), [])
        # What is refused it asks for anew, and tries once again.
        stale = connect(token={**token, "access_token": "abc"})
        self.assertEqual(stale.get_user_social_logins(user_id), [])
        self.assertNotEqual(stale.connection.token["access_token"], "abc")


if __name__ == "__main__":
    unittest.main()
