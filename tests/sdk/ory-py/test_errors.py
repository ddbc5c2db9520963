"""Drives a running linkbridge with the vendor's own client for Python, unmodified: what is refused, and how."""

import unittest

from ory_client.exceptions import (
    BadRequestException,
    ConflictException,
    ForbiddenException,
    NotFoundException,
    UnauthorizedException,
)
from support import BAD, CONFLICT, FORBIDDEN, KEY, NOBODY, NOT_THERE, OPEN_URL, READER_KEY, UNAUTHORIZED, Case
from support import bad_request, change, connect, new_identity, subject, updated


class Errors(Case):
    def test_conflicts(self):
        at, free = subject(), subject()
        owner, other = self.make([("acme-oidc", at)]), self.make()
        both = [("google", free), ("acme-oidc", at)]
        self.assertEqual(self.rejected(ConflictException, self.put, other, oidc=both), CONFLICT)
        self.assertEqual(self.rejected(ConflictException, self.put, owner, oidc=[("acme-oidc", at)]), CONFLICT)
        error = self.rejected(ConflictException, self.api.create_identity, new_identity(both))
        self.assertEqual(
            error,
            {
                "code": 409,
                "status": "Conflict",
                "message": "The resource could not be created due to a conflict",
                "reason": "This identity conflicts with another identity that already exists.",
            },
        )
        # Nothing of what was refused is there.
        self.assertEqual(self.find(f"google:{free}"), [])
        self.assert_identity(self.read(other.id), {})

    def test_nobody(self):
        for identity_id in (NOBODY, "not-a-uuid", "a b/c"):
            for call in (
                lambda of: self.api.get_identity(of),
                lambda of: self.api.get_identity(of, include_credential=["oidc"]),
                lambda of: self.api.update_identity(of, updated([("acme-oidc", subject())])),
                lambda of: self.api.patch_identity(of, [change("replace", "/metadata_admin", {})]),
                lambda of: self.api.delete_identity_credentials(of, "oidc", identifier="acme-oidc:1"),
                lambda of: self.api.delete_identity(of),
            ):
                self.assertEqual(self.rejected(NotFoundException, call, identity_id), NOT_THERE)

    def test_deleted_once(self):
        at = subject()
        made = self.make([("acme-oidc", at)])
        answer = self.api.delete_identity_with_http_info(str(made.id))
        self.assertEqual((answer.status_code, answer.data, answer.raw_data), (204, None, b""))
        self.assertEqual(self.rejected(NotFoundException, self.api.delete_identity, str(made.id)), NOT_THERE)
        self.assertEqual(self.rejected(NotFoundException, self.read, made.id), NOT_THERE)
        self.assertEqual(self.find(f"acme-oidc:{at}"), [])

    def test_unlink(self):
        at = subject()
        made = self.make([("acme-oidc", at)])
        not_found = {
            "code": 404,
            "status": "Not Found",
            "message": "The requested resource could not be found",
        }
        reason = "The identifier `google:1` was not found among OIDC credentials."
        error = self.rejected(NotFoundException, self.unlink, made, "google:1")
        self.assertEqual(error, {**not_found, "reason": reason})
        reason = "You tried to remove a saml but this user have no saml set up."
        error = self.rejected(NotFoundException, self.unlink, made, f"acme-oidc:{at}", "saml")
        self.assertEqual(error, {**not_found, "reason": reason})
        error = self.rejected(BadRequestException, self.unlink, made, None)
        self.assertEqual(error, bad_request("You must provide an identifier to delete this credential."))
        self.assert_identity(self.read(made.id), {"oidc": [f"acme-oidc:{at}"]})

    def test_bad_parameters(self):
        made = self.make()
        error = self.rejected(BadRequestException, self.read, made.id, "oidc", "XYZ")
        self.assertEqual(error["message"], BAD)
        error = self.rejected(BadRequestException, self.read, made.id, "XYZ")
        self.assertEqual(error, bad_request("Invalid value `[]` for parameter `include_credential`."))
        error = self.rejected(BadRequestException, self.api.list_identities, include_credential=["XYZ"])
        self.assertEqual(error, bad_request("Invalid value `XYZ` for parameter `include_credential`."))
        error = self.rejected(BadRequestException, self.api.list_identities, page_token="zzz")
        self.assertEqual(error, bad_request("The page token is invalid, do not craft your own page tokens"))
        both = {"ids": [str(made.id)], "credentials_identifier": "acme-oidc:1"}
        error = self.rejected(BadRequestException, self.api.list_identities, **both)
        self.assertEqual(error, bad_request("You cannot combine multiple filters in this API"))

    def test_patches_of_credentials(self):
        at = subject()
        made = self.make([("acme-oidc", at)])
        allowed = change("replace", "/metadata_admin", {"a": 1})
        failed = {"code": 400, "status": "Bad Request", "reason": "failed to apply JSON patch"}
        for path in ("/credentials", "/credentials/oidc/config/providers/0/subject", "/id"):
            error = self.rejected(BadRequestException, self.patch, made, allowed, change("replace", path, "x"))
            self.assertEqual(error, {**failed, "message": f"patch includes denied path: {path}"})
        error = self.rejected(BadRequestException, self.patch, made, allowed, change("test", "/state", "active"))
        self.assertEqual(error, {**failed, "message": "unsupported operation: test"})
        self.assert_identity(self.read(made.id), {"oidc": [f"acme-oidc:{at}"]})

    def test_what_is_not_kept_or_not_known(self):
        made = self.make()
        self.refused(self.put, made, oidc=[("nobody", subject())])
        self.refused(self.put, made, saml=[("acme-oidc", subject())])
        body = new_identity()
        body.additional_properties["foo"] = 1
        error = self.rejected(BadRequestException, self.api.create_identity, body)
        self.assertEqual(error, {"code": 400, "status": "Bad Request", "message": 'json: unknown field "foo"'})
        self.assert_identity(self.read(made.id), {})

    def test_credentials_of_the_caller(self):
        made = self.make()
        for stranger in (connect(None), connect("ory_pat_0000000000000000000000000000"), connect(f"Bearer {KEY}")):
            error = self.rejected(UnauthorizedException, stranger.get_identity, str(made.id))
            self.assertEqual(error, UNAUTHORIZED)
        # Who brings a credential means it.
        stranger = connect("ory_pat_0000000000000000000000000000", OPEN_URL)
        self.assertEqual(self.rejected(UnauthorizedException, stranger.get_identity, str(made.id)), UNAUTHORIZED)
        reader = connect(READER_KEY)
        self.assert_identity(reader.get_identity(str(made.id)), {})
        error = self.rejected(ForbiddenException, reader.delete_identity, str(made.id))
        self.assertEqual(error, FORBIDDEN)

    def test_the_id_of_the_request(self):
        headers = {"X-Request-ID": "r-9"}
        error = self.rejected(NotFoundException, self.api.get_identity, NOBODY, _headers=headers)
        self.assertEqual(error, {**NOT_THERE, "request": "r-9"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
