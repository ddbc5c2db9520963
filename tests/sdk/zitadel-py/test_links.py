"""Links that are added, listed and removed with the vendor's own client for Python, unmodified; and what is refused."""

import unittest
from concurrent.futures import ThreadPoolExecutor

from support import ACME, GOOGLE, KEY, NOBODY, ORGANISATION, READER_KEY, RUNES, TLS_URL, Case, account, connect, new_user
from zitadel_client import ApiError
from zitadel_client.models import (
    IdentityProviderServiceGetIDPByIDRequest,
    UserServiceAddIDPLinkRequest,
    UserServiceGetUserByIDRequest,
    UserServiceListUsersRequest,
)


class Links(Case):
    def test_add_list_remove(self):
        user_id, at = new_user(), account()
        self.assert_details(self.add(user_id, at).details)
        listed = self.list(user_id)
        self.assertEqual(
            [link.to_dict() for link in listed.result],
            [{"idpId": ACME, "userId": at, "userName": "rosa@ext.example"}],
        )
        # A count of 64 bits is a text, and one that is zero is not there, as the vendor's JSON has them.
        self.assertEqual(listed.details.total_result, "1")
        self.assert_now(listed.details.timestamp)
        self.assert_details(self.remove(user_id, at).details)
        empty = self.list(user_id)
        self.assertEqual((empty.result, empty.details.total_result), (None, None))
        self.rejected(404, "not_found", "COMMAND-1M9xR", self.remove, user_id, at)

    def test_beta(self):
        user_id, at = new_user(), account()
        self.assert_details(self.add_beta(user_id, at).details)
        self.assertEqual(self.accounts(user_id), [at])
        self.rejected(409, "already_exists", "V3-DKcYh", self.add_beta, user_id, at)

    def test_duplicates(self):
        user_id, other, at = new_user(), new_user(), account()
        self.add(user_id, at)
        for who, spelled in ((user_id, at), (other, at), (other, at.upper())):
            self.rejected(409, "already_exists", "V3-DKcYh", self.add, who, spelled)
        self.add(other, at, GOOGLE)
        self.assertEqual((self.accounts(user_id), self.accounts(other)), ([at], [at]))
        self.rejected(404, "not_found", "COMMAND-1M9xR", self.remove, user_id, at.upper())

    def test_not_there(self):
        user_id, at = new_user(), account()
        self.rejected(400, "failed_precondition", "COMMAND-vzktar7b7f", self.add, NOBODY, at)
        self.rejected(400, "failed_precondition", "COMMAND-39nf2", self.add, user_id, at, "1")
        bare = UserServiceAddIDPLinkRequest(user_id=user_id)
        self.rejected(400, "failed_precondition", "COMMAND-39nf2", self.zitadel.users.add_idp_link, bare)
        for who, idp_id in ((NOBODY, ACME), (user_id, "1"), (user_id, ACME)):
            self.rejected(404, "not_found", "COMMAND-1M9xR", self.remove, who, at, idp_id)
        self.assertEqual(self.accounts(NOBODY), [])

    def test_lengths(self):
        user_id = new_user()
        nested = f"invalid AddIDPLinkRequest.IdpLink: embedded message failed validation | caused by: invalid IDPLink.%s: {RUNES}"
        for arguments, message in (
            (("x" * 201, "a"), f"invalid AddIDPLinkRequest.UserId: {RUNES}"),
            (("", "a"), f"invalid AddIDPLinkRequest.UserId: {RUNES}"),
            ((user_id, ""), nested % "UserId"),
            ((user_id, "a", ""), nested % "IdpId"),
            ((user_id, "a", ACME, ""), nested % "UserName"),
            ((user_id, "a", ACME, "ä" * 201), nested % "UserName"),
        ):
            self.assertEqual(self.rejected(400, "invalid_argument", None, self.add, *arguments), message)
        at = (account() + " " + "\U0001f600" * 200)[:200]
        self.add(user_id, at, name="é" * 200)
        self.assertEqual(self.accounts(user_id), [at])

    def test_characters(self):
        user_id = new_user()
        for of in ("https://sts.example/7", "a b+c/ü&='()!*~#?%", "100%25", "\U0001f600", '"q" \\'):
            at = f"{account()} {of}"
            self.add(user_id, at, name=of)
            (link,) = self.list(user_id).result
            self.assertEqual((link.user_id, link.user_name), (at, of))
            self.remove(user_id, at)

    def test_pages(self):
        user_id = new_user()
        every = [account() for _ in range(5)]
        for at in every:
            self.add(user_id, at)
        self.assertEqual(self.accounts(user_id, limit=2, asc=True), every[:2])
        self.assertEqual(self.accounts(user_id, offset=2, limit=2), every[2:4])
        # The client takes an offset as a text, too, which is how JSON has 64 bits.
        self.assertEqual(self.accounts(user_id, offset="4", limit=2), every[4:])
        self.assertEqual(self.accounts(user_id, offset=9), [])
        far = {"limit": 1001}
        self.rejected(400, "invalid_argument", "QUERY-4M0fs", self.list, user_id, **far)

    def test_one_winner(self):
        user_id, at = new_user(), account()

        def attempt(_):
            try:
                return self.add(user_id, at) and "added"
            except ApiError as error:
                return error.response_body["code"]

        with ThreadPoolExecutor(10) as pool:
            told = sorted(pool.map(attempt, range(20)))
        self.assertEqual(told, ["added"] + ["already_exists"] * 19)

    def test_neighbors(self):
        user_id = new_user()
        user = self.zitadel.users.get_user_by_id(UserServiceGetUserByIDRequest(user_id=user_id)).user
        self.assertEqual((user.user_id, user.details.resource_owner), (user_id, ORGANISATION))
        self.assertEqual(user.state.value, "USER_STATE_ACTIVE")
        for idp_id, name, kind in ((ACME, "Acme OIDC", "IDP_TYPE_OIDC"), (GOOGLE, "Google", "IDP_TYPE_GOOGLE")):
            idp = self.zitadel.idps.get_idpby_id(IdentityProviderServiceGetIDPByIDRequest(id=idp_id)).idp
            self.assertEqual((idp.id, idp.name, idp.type.value, idp.state.value), (idp_id, name, kind, "IDP_STATE_ACTIVE"))
            self.assertTrue(idp.config.options.is_linking_allowed)
        with self.assertRaises(ApiError) as raised:
            self.zitadel.users.list_users(UserServiceListUsersRequest())
        # A path that is not served is 404, which is how clients of Connect read `unimplemented`.
        self.assertEqual(raised.exception.code, 404)

    def test_tokens(self):
        user_id, at = new_user(), account()
        self.add(user_id, at)
        for token in ("wrong", f"{KEY}x"):
            stranger = connect(token, self.host)
            for call in (
                lambda: self.add(user_id, account(), by=stranger),
                lambda: stranger.users.add_idp_link(UserServiceAddIDPLinkRequest()),
                lambda: self.list(user_id, by=stranger),
                lambda: self.remove(user_id, at, by=stranger),
            ):
                self.rejected(401, "unauthenticated", "AUTH-7fs1e", call)
        reader = connect(READER_KEY, self.host)
        self.assertEqual(len(self.list(user_id, by=reader).result), 1)
        self.rejected(403, "permission_denied", "AUTH-AWfge", self.add, user_id, account(), by=reader)
        self.rejected(403, "permission_denied", "AUTH-AWfge", self.remove, user_id, at, by=reader)
        self.assertEqual(self.accounts(user_id), [at])

    def test_organisation(self):
        user_id = new_user()
        here = connect(KEY, self.host, {"x-zitadel-orgid": ORGANISATION})
        self.assert_details(self.add(user_id, account(), by=here).details)
        elsewhere = connect(KEY, self.host, {"x-zitadel-orgid": "1"})
        self.rejected(403, "permission_denied", "AUTH-Bs7Ds", self.add, user_id, account(), by=elsewhere)


class LinksOverTls(Links):
    """The same over TLS."""

    host = TLS_URL


if __name__ == "__main__":
    unittest.main()
