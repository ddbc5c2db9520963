package orygo

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"testing"

	ory "github.com/ory/client-go"
)

var linkTarget = regexp.MustCompile(`<([^>]*)>; rel="([^"]*)"`)

// nextPage reads the token of the next page from a Link header (RFC 8288), or "" on the last page.
func nextPage(t *testing.T, header string) string {
	t.Helper()
	for _, found := range linkTarget.FindAllStringSubmatch(header, -1) {
		if found[2] == "next" {
			target, err := url.Parse(found[1])
			if err != nil {
				t.Fatal(err)
			}
			return target.Query().Get("page_token")
		}
	}
	return ""
}

func TestCreate(t *testing.T) {
	at, google := account{"acme-oidc", subject()}, account{"google", subject()}
	body := newIdentity(google, at)
	made, answer, err := api.CreateIdentity(api.ctx).CreateIdentityBody(body).Execute()
	accepted(t, answer, err, http.StatusCreated)
	sameLinks(t, made, at, google)
	same(t, answer.Header.Get("Location"), serverURL+"/identities/"+made.Id)
}

func TestTheConfigIsThereWhenAskedFor(t *testing.T) {
	at := account{"acme-oidc", subject()}
	made := api.make(t, at)
	bare := api.read(t, made.Id)
	sameLinks(t, bare, at)
	same(t, len((*bare.Credentials)["oidc"].Config), 0)
	full := api.read(t, made.Id, "oidc", "totp")
	sameLinks(t, full, at)
	same(t, (*full.Credentials)["oidc"].Config, map[string]any{"providers": []any{map[string]any{
		"initial_id_token": "", "initial_access_token": "", "initial_refresh_token": "",
		"subject": at.subject, "provider": at.provider,
	}}})
}

func TestFind(t *testing.T) {
	for _, text := range []string{"", " s 2/ä", " a:b", " a b+c/ü&='()!*~#?%", " 100%25", " \U0001f600", ` "q" \`} {
		at := account{"acme-oidc", subject() + text}
		made := api.make(t, at)
		same(t, api.find(t, at.identifier()), []string{made.Id})
		same(t, len(api.find(t, at.identifier()+"x")), 0)
		same(t, len(api.find(t, "google:"+at.subject)), 0)
		answer, err := api.unlink(made.Id, "oidc", at.identifier())
		accepted(t, answer, err, http.StatusNoContent)
		same(t, len(api.find(t, at.identifier())), 0)
	}
}

func TestPages(t *testing.T) {
	made := map[string]bool{}
	for range 7 {
		made[api.make(t, account{"acme-oidc", subject()}).Id] = true
	}
	var seen []string
	pages, token := 0, ""
	for pages == 0 || token != "" {
		call := api.ListIdentities(api.ctx).PageSize(3)
		if token != "" {
			call = call.PageToken(token)
		}
		page, answer, err := call.Execute()
		accepted(t, answer, err, http.StatusOK)
		seen = append(seen, ids(page)...)
		token = nextPage(t, answer.Header.Get("Link"))
		if token != "" {
			same(t, len(page), 3)
		}
		pages++
	}
	if pages < 3 {
		t.Fatalf("%d pages", pages)
	}
	every, answer, err := api.ListIdentities(api.ctx).Execute()
	accepted(t, answer, err, http.StatusOK)
	whole := ids(every)
	slices.Sort(whole)
	slices.Sort(seen)
	same(t, seen, whole)
	for _, id := range seen {
		delete(made, id)
	}
	same(t, len(made), 0)
}

func TestByIds(t *testing.T) {
	one, other := api.make(t), api.make(t)
	found, answer, err := api.ListIdentities(api.ctx).Ids([]string{one.Id, nobody, other.Id}).Execute()
	accepted(t, answer, err, http.StatusOK)
	told, wanted := ids(found), []string{one.Id, other.Id}
	slices.Sort(told)
	slices.Sort(wanted)
	same(t, told, wanted)
}

func TestAnUpdateAddsLinks(t *testing.T) {
	first, second := account{"google", subject()}, account{"acme-oidc", subject()}
	made := api.make(t, first)
	put, answer, err := api.put(made.Id, second)
	accepted(t, answer, err, http.StatusOK)
	sameLinks(t, put, first, second)
	put, answer, err = api.put(made.Id)
	accepted(t, answer, err, http.StatusOK)
	sameLinks(t, put, first, second)
	sameLinks(t, api.read(t, made.Id), first, second)
}

func TestPatch(t *testing.T) {
	at := account{"acme-oidc", subject()}
	made := api.make(t, at)
	change := *ory.NewJsonPatch("replace", "/metadata_admin")
	change.Value = map[string]any{"a": 1.0, "b/c": []any{1.0}}
	further := *ory.NewJsonPatch("remove", "/metadata_admin/a")
	patched, answer, err := api.PatchIdentity(api.ctx, made.Id).JsonPatch([]ory.JsonPatch{change, further}).Execute()
	accepted(t, answer, err, http.StatusOK)
	sameLinks(t, patched, at)
	same(t, patched.MetadataAdmin, map[string]any{"b/c": []any{1.0}})
	same(t, api.read(t, made.Id).MetadataAdmin, patched.MetadataAdmin)
}

func TestUnlinkFreesTheAccount(t *testing.T) {
	at, google := account{"acme-oidc", subject()}, account{"google", subject()}
	made := api.make(t, at, google)
	answer, err := api.unlink(made.Id, "oidc", google.identifier())
	accepted(t, answer, err, http.StatusNoContent)
	sameLinks(t, api.read(t, made.Id), at)
	following := api.make(t, google)
	same(t, api.find(t, google.identifier()), []string{following.Id})
}

func TestBatch(t *testing.T) {
	at, taken := account{"acme-oidc", subject()}, account{"google", subject()}
	api.make(t, taken)
	fresh, again := newIdentity(at), newIdentity(taken)
	body := *ory.NewPatchIdentitiesBody()
	body.WithPartialInserts = ory.PtrBool(true)
	body.Identities = []ory.IdentityPatch{{Create: &fresh, PatchId: ory.PtrString(nobody)}, {Create: &again}}
	answers, answer, err := api.BatchPatchIdentities(api.ctx).PatchIdentitiesBody(body).Execute()
	accepted(t, answer, err, http.StatusOK)
	same(t, len(answers.Identities), 2)
	first, second := answers.Identities[0], answers.Identities[1]
	same(t, []string{first.GetAction(), first.GetPatchId()}, []string{"create", nobody})
	sameLinks(t, api.read(t, first.GetIdentity()), at)
	same(t, second.GetAction(), "error")
	same(t, fmt.Sprint(second.Error.(map[string]any)["code"]), "409")
}

func TestWithoutAnyCredential(t *testing.T) {
	// There the front has a client for that, as with a server that one runs oneself.
	open, at := connect(openURL, ""), account{"acme-oidc", subject()}
	made := open.make(t, at)
	sameLinks(t, made, at)
	sameLinks(t, connect(openURL, key).read(t, made.Id), at)
	answer, err := open.DeleteIdentity(open.ctx, made.Id).Execute()
	accepted(t, answer, err, http.StatusNoContent)
}
