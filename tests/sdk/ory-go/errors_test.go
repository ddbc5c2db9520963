package orygo

import (
	"net/http"
	"testing"

	ory "github.com/ory/client-go"
)

func TestConflicts(t *testing.T) {
	at, free := account{"acme-oidc", subject()}, account{"google", subject()}
	owner, other := api.make(t, at), api.make(t)
	_, answer, err := api.put(other.Id, free, at)
	rejected(t, answer, err, conflict)
	_, answer, err = api.put(owner.Id, at)
	rejected(t, answer, err, conflict)
	_, answer, err = api.CreateIdentity(api.ctx).CreateIdentityBody(newIdentity(free, at)).Execute()
	rejected(t, answer, err, document{
		"code": 409.0, "status": "Conflict",
		"message": "The resource could not be created due to a conflict",
		"reason":  "This identity conflicts with another identity that already exists.",
	})
	// Nothing of what was refused is there.
	same(t, len(api.find(t, free.identifier())), 0)
	sameLinks(t, api.read(t, other.Id))
}

func TestNobody(t *testing.T) {
	for _, id := range []string{nobody, "not-a-uuid", "a b/c"} {
		_, answer, err := api.GetIdentity(api.ctx, id).Execute()
		rejected(t, answer, err, notThere)
		_, answer, err = api.put(id, account{"acme-oidc", subject()})
		rejected(t, answer, err, notThere)
		answer, err = api.unlink(id, "oidc", "acme-oidc:1")
		rejected(t, answer, err, notThere)
		answer, err = api.DeleteIdentity(api.ctx, id).Execute()
		rejected(t, answer, err, notThere)
	}
}

func TestDeletedOnce(t *testing.T) {
	at := account{"acme-oidc", subject()}
	made := api.make(t, at)
	answer, err := api.DeleteIdentity(api.ctx, made.Id).Execute()
	accepted(t, answer, err, http.StatusNoContent)
	answer, err = api.DeleteIdentity(api.ctx, made.Id).Execute()
	rejected(t, answer, err, notThere)
	same(t, len(api.find(t, at.identifier())), 0)
}

func TestUnlinkOfNothing(t *testing.T) {
	at := account{"acme-oidc", subject()}
	made := api.make(t, at)
	message := "The requested resource could not be found"
	answer, err := api.unlink(made.Id, "oidc", "google:1")
	reason := "The identifier `google:1` was not found among OIDC credentials."
	rejected(t, answer, err, document{"code": 404.0, "status": "Not Found", "message": message, "reason": reason})
	answer, err = api.unlink(made.Id, "saml", at.identifier())
	reason = "You tried to remove a saml but this user have no saml set up."
	rejected(t, answer, err, document{"code": 404.0, "status": "Not Found", "message": message, "reason": reason})
	answer, err = api.unlink(made.Id, "oidc", "")
	rejected(t, answer, err, badRequest("You must provide an identifier to delete this credential."))
	sameLinks(t, api.read(t, made.Id), at)
}

func TestBadParameters(t *testing.T) {
	made := api.make(t)
	_, answer, err := api.GetIdentity(api.ctx, made.Id).IncludeCredential([]string{"XYZ"}).Execute()
	rejected(t, answer, err, badRequest("Invalid value `[]` for parameter `include_credential`."))
	_, answer, err = api.ListIdentities(api.ctx).PageToken("zzz").Execute()
	rejected(t, answer, err, badRequest("The page token is invalid, do not craft your own page tokens"))
	both := api.ListIdentities(api.ctx).Ids([]string{made.Id}).CredentialsIdentifier("acme-oidc:1")
	_, answer, err = both.Execute()
	rejected(t, answer, err, badRequest("You cannot combine multiple filters in this API"))
}

func TestUnknownMember(t *testing.T) {
	body := newIdentity()
	body.AdditionalProperties = map[string]any{"foo": 1}
	_, answer, err := api.CreateIdentity(api.ctx).CreateIdentityBody(body).Execute()
	rejected(t, answer, err, document{"code": 400.0, "status": "Bad Request", "message": `json: unknown field "foo"`})
}

func TestPatchesOfCredentials(t *testing.T) {
	at := account{"acme-oidc", subject()}
	made := api.make(t, at)
	change := *ory.NewJsonPatch("replace", "/credentials/oidc/config/providers/0/subject")
	change.Value = "x"
	_, answer, err := api.PatchIdentity(api.ctx, made.Id).JsonPatch([]ory.JsonPatch{change}).Execute()
	rejected(t, answer, err, document{
		"code": 400.0, "status": "Bad Request", "reason": "failed to apply JSON patch",
		"message": "patch includes denied path: " + change.Path,
	})
	sameLinks(t, api.read(t, made.Id), at)
}

func TestCredentialsOfTheCaller(t *testing.T) {
	made := api.make(t)
	stranger := "ory_pat_0000000000000000000000000000"
	// Who brings a credential means it, where none is asked for, too.
	for _, by := range []caller{connect(serverURL, ""), connect(serverURL, stranger), connect(openURL, stranger)} {
		_, answer, err := by.GetIdentity(by.ctx, made.Id).Execute()
		rejected(t, answer, err, unauthorized)
	}
	reader := connect(serverURL, readerKey)
	sameLinks(t, reader.read(t, made.Id))
	answer, err := reader.DeleteIdentity(reader.ctx, made.Id).Execute()
	rejected(t, answer, err, forbidden)
}
