"""Drives a running linkbridge with the vendor's own client for Python, unmodified: what goes well."""

import re
import unittest
from urllib.parse import parse_qs, urlsplit

import ory_client
from support import KEY, NOBODY, OPEN_URL, TRAITS, URL, Case
from support import change, connect, new_identity, oidc_entry, subject, updated


def header(headers, name):
    """The value of a header. The client hands the names back as they were sent, whose case means nothing."""
    return {sent.lower(): value for sent, value in headers.items()}.get(name)


def link_header(headers):
    """The targets of a Link header (RFC 8288) by their relation."""
    found = re.findall(r'<([^>]*)>; rel="([^"]*)"', header(headers, "link"))
    return {relation: urlsplit(target) for target, relation in found}


def page_token(headers):
    following = link_header(headers).get("next")
    return following and parse_qs(following.query)["page_token"][0]


class Reading(Case):
    def test_get_has_the_config_that_was_asked_for(self):
        at, corp = subject(), subject()
        made = self.make([("acme-oidc", at)], [("corp-saml", corp)])
        oidc, saml = [f"acme-oidc:{at}"], [f"corp-saml:{corp}"]
        full = (oidc, [oidc_entry("acme-oidc", at)])
        full_saml = (saml, [{"subject": corp, "provider": "corp-saml"}])
        self.assert_identity(self.read(made.id), {"oidc": oidc, "saml": saml})
        self.assert_identity(self.read(made.id, "oidc"), {"oidc": full, "saml": saml})
        self.assert_identity(self.read(made.id, "saml"), {"oidc": oidc, "saml": full_saml})
        self.assert_identity(self.read(made.id, "oidc", "saml"), {"oidc": full, "saml": full_saml})
        self.assert_identity(self.read(made.id, "password", "totp"), {"oidc": oidc, "saml": saml})

    def test_find(self):
        at = subject()
        made = self.make([("acme-oidc", at), ("google", at)])
        identifiers = [f"acme-oidc:{at}", f"google:{at}"]
        (bare,) = self.find(f"google:{at}")
        self.assertEqual(bare.id, made.id)
        self.assert_identity(bare, {"oidc": identifiers})
        (full,) = self.find(f"acme-oidc:{at}", "oidc", "saml")
        entries = [oidc_entry("acme-oidc", at), oidc_entry("google", at)]
        self.assert_identity(full, {"oidc": (identifiers, entries)})
        for nobody in (f"acme-oidc:{at}x", f"acme-oidc:{at.upper()}", f"nobody:{at}", at):
            self.assertEqual(self.find(nobody), [])

    def test_every_character_of_a_subject_comes_back(self):
        for text in ("s 2/ä", "a:b", "a b+c/ü&='()!*~#?%", "100%25", "\U0001f600", '"q" \\'):
            at = f"{subject()} {text}"
            made = self.make([("acme-oidc", at), ("google", at)])
            for provider in ("acme-oidc", "google"):
                (found,) = self.find(f"{provider}:{at}", "oidc")
                self.assertEqual(found.id, made.id)
                entries = found.credentials["oidc"].config["providers"]
                self.assertEqual([entry["subject"] for entry in entries], [at, at])
            self.assertIsNone(self.unlink(made, f"google:{at}"))
            self.assert_identity(self.read(made.id), {"oidc": [f"acme-oidc:{at}"]})
            self.assertIsNone(self.unlink(made, f"acme-oidc:{at}"))
            self.assertEqual(self.find(f"acme-oidc:{at}"), [])

    def test_pages_are_walked_by_the_link_header(self):
        made = {self.make([("acme-oidc", subject())]).id for _ in range(7)}
        seen, pages, token = [], 0, None
        while pages == 0 or token:
            answer = self.api.list_identities_with_http_info(page_size=3, page_token=token)
            first = link_header(answer.headers)["first"]
            self.assertEqual(first.path, "/admin/identities")
            nil = "00000000-0000-0000-0000-000000000000"
            self.assertEqual(parse_qs(first.query), {"page_size": ["3"], "page_token": [nil]})
            for identity in answer.data:
                self.assertIsNone(identity.credentials)
            seen += [identity.id for identity in answer.data]
            pages += 1
            token = page_token(answer.headers)
            if token:
                self.assertEqual(len(answer.data), 3)
        self.assertGreaterEqual(pages, 3)
        self.assertEqual(len(seen), len(set(seen)), "nobody is told twice")
        self.assertLessEqual(made, set(seen))
        self.assertEqual({identity.id for identity in self.api.list_identities()}, set(seen))

    def test_by_ids(self):
        one, other = self.make(), self.make()
        found = self.api.list_identities(ids=[str(one.id), NOBODY, str(other.id)])
        self.assertEqual({identity.id for identity in found}, {one.id, other.id})
        for identity in found:
            self.assert_identity(identity)


class Writing(Case):
    def test_create(self):
        google, at, corp = subject(), subject(), subject()
        body = new_identity([("google", google), ("acme-oidc", at)], [("corp-saml", corp)])
        answer = self.api.create_identity_with_http_info(body)
        self.assertEqual(answer.status_code, 201)
        self.assertEqual(header(answer.headers, "content-type"), "application/json; charset=utf-8")
        oidc, saml = [f"acme-oidc:{at}", f"google:{google}"], [f"corp-saml:{corp}"]
        self.assert_identity(answer.data, {"oidc": oidc, "saml": saml})
        self.assertEqual(header(answer.headers, "location"), f"{URL}/identities/{answer.data.id}")

    def test_an_update_adds_links(self):
        first, second, corp = subject(), subject(), subject()
        made = self.make([("google", first)])
        identifiers = [f"acme-oidc:{second}", f"google:{first}"]
        self.assert_identity(self.put(made, oidc=[("acme-oidc", second)]), {"oidc": identifiers})
        self.put(made, saml=[("corp-saml", corp)])
        entries = [oidc_entry("google", first), oidc_entry("acme-oidc", second)]
        links = {"oidc": (identifiers, entries), "saml": [f"corp-saml:{corp}"]}
        self.assert_identity(self.read(made.id, "oidc"), links)
        self.put(made)
        self.assert_identity(self.read(made.id, "oidc"), links)

    def test_an_update_clears_what_it_leaves_out(self):
        at = subject()
        metadata = {
            "metadata_admin": {"a": [1, {"b": None}]},
            "metadata_public": {"ä b": 2.5},
            "external_id": f"e-{at}",
        }
        links = {"oidc": [f"acme-oidc:{at}"]}
        made = self.make([("acme-oidc", at)], state="inactive", **metadata)
        self.assert_identity(made, links, state="inactive", **metadata)
        kept = self.put(made, state="inactive", **metadata)
        self.assert_identity(kept, links, state="inactive", **metadata)
        # None is sent as null for these two.
        self.assert_identity(self.put(made, metadata_public=None, metadata_admin=None), links)
        self.assert_identity(self.read(made.id), links)

    def test_unknown_members(self):
        traits = {"name": {"first": "Änne", "x.y": ["", None, True, -0.5, []]}, "unheard_of": "\0\U0001f600"}
        admin = {"linkbridge": {"note": 'a "quoted" word'}, "deep": [[[{}]]]}
        made = self.make(traits=traits, metadata_admin=admin)
        self.assert_identity(self.read(made.id), {}, traits=traits, metadata_admin=admin)
        # The client sends what it does not know along; an update ignores that.
        body = updated(metadata_admin=admin)
        body.additional_properties["unheard_of"] = {"c": 3}
        self.assert_identity(self.api.update_identity(str(made.id), body), {}, metadata_admin=admin)

    def test_patch(self):
        at = subject()
        made, links = self.make([("acme-oidc", at)]), {"oidc": [f"acme-oidc:{at}"]}
        first = self.patch(made, change("replace", "/metadata_admin", {"a": 1, "b/c": [1]}))
        self.assert_identity(first, links, metadata_admin={"a": 1, "b/c": [1]})
        self.patch(
            made,
            change("remove", "/metadata_admin/a"),
            change("add", "/metadata_admin/b~1c/-", 2),
            change("add", "/traits/name", "Ana"),
            change("replace", "/state", "inactive"),
        )
        changed = {"metadata_admin": {"b/c": [1, 2]}, "traits": {**TRAITS, "name": "Ana"}, "state": "inactive"}
        self.assert_identity(self.read(made.id), links, **changed)

    def test_unlink_frees_the_account(self):
        at, google = subject(), subject()
        made = self.make([("acme-oidc", at), ("google", google)])
        call = self.api.delete_identity_credentials_with_http_info
        answer = call(str(made.id), "oidc", identifier=f"google:{google}")
        self.assertEqual((answer.status_code, answer.data, answer.raw_data), (204, None, b""))
        self.assert_identity(self.read(made.id), {"oidc": [f"acme-oidc:{at}"]})
        following = self.make([("google", google)])
        self.assertEqual([identity.id for identity in self.find(f"google:{google}")], [following.id])

    def test_batch(self):
        at, taken, corp = subject(), subject(), subject()
        self.make([("google", taken)])
        create = [
            {"patch_id": NOBODY, "create": new_identity([("acme-oidc", at)], [("corp-saml", corp)])},
            {"create": new_identity([("google", taken)])},
        ]
        patches = [ory_client.IdentityPatch(**members) for members in create]
        answer = self.api.batch_patch_identities(ory_client.PatchIdentitiesBody(identities=patches))
        first, second = answer.identities
        self.assertEqual((first.action, str(first.patch_id), first.error), ("create", NOBODY, None))
        self.assertEqual((second.action, second.patch_id, second.identity), ("error", None, None))
        self.assertEqual(second.error["code"], 409)
        self.assertEqual(second.error["status"], "Conflict")
        links = {"oidc": [f"acme-oidc:{at}"], "saml": [f"corp-saml:{corp}"]}
        self.assert_identity(self.read(first.identity), links)

    def test_without_any_credential(self):
        # There the front has a client for that, as with a server that one runs oneself.
        open_api, at = connect(None, OPEN_URL), subject()
        answer = open_api.create_identity_with_http_info(new_identity([("acme-oidc", at)]))
        made = answer.data
        self.assert_identity(made, {"oidc": [f"acme-oidc:{at}"]}, OPEN_URL)
        self.assertEqual(header(answer.headers, "location"), f"{OPEN_URL}/identities/{made.id}")
        self.assertEqual(connect(KEY, OPEN_URL).get_identity(str(made.id)).id, made.id)
        self.assertIsNone(open_api.delete_identity(str(made.id)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
