// Package orygo drives a running linkbridge with the vendor's own client for Go, unmodified.
//
// What the client sends and hands back is stated in the vendor reference, section 7: it fills in parameters of its own
// (`page_size`, `per_page`), an answer is a struct that keeps members it does not know in `AdditionalProperties`, and an
// error is a `GenericOpenAPIError` with the document as its body and, where it can be read as one, as its model. What
// each call must answer is in sections 3 to 5 and 10.
package orygo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	ory "github.com/ory/client-go"
)

var (
	serverURL = need("LINKBRIDGE_URL")
	openURL   = need("LINKBRIDGE_OPEN_URL")
	key       = need("LINKBRIDGE_KEY")
	readerKey = need("LINKBRIDGE_READER_KEY")
)

// An id that nobody has.
const nobody = "c0a1b2d3-4e5f-4a6b-8c7d-9e0f1a2b3c4d"

var (
	traits       = map[string]any{"email": "ana@example.org"}
	notThere     = document{"code": 404.0, "status": "Not Found", "message": "Unable to locate the resource"}
	unauthorized = document{"code": 401.0, "status": "Unauthorized", "message": "The request could not be authorized"}
	forbidden    = document{"code": 403.0, "status": "Forbidden", "message": "The requested action was forbidden"}
	conflict     = document{
		"code": 409.0, "status": "Conflict",
		"message": "Unable to insert or update resource because a resource with that value exists already",
	}
)

type document = map[string]any

func need(name string) string {
	value, there := os.LookupEnv(name)
	if !there {
		panic(name + " is not set")
	}
	return value
}

func badRequest(reason string) document {
	message := "The request was malformed or contained invalid parameters"
	return document{"code": 400.0, "status": "Bad Request", "message": message, "reason": reason}
}

// caller is the client with who asks by it: the vendor's way to hand a token over is the context.
type caller struct {
	ory.IdentityAPI
	ctx context.Context
}

func connect(at, token string) caller {
	configuration := ory.NewConfiguration()
	configuration.Servers = ory.ServerConfigurations{{URL: at}}
	ctx := context.Background()
	if token != "" {
		ctx = context.WithValue(ctx, ory.ContextAccessToken, token)
	}
	return caller{ory.NewAPIClient(configuration).IdentityAPI, ctx}
}

var api = connect(serverURL, key)

var count atomic.Int64

// subject is one of its own for each test, so that tests do not see each other's links.
func subject() string {
	return fmt.Sprintf("go-%d", count.Add(1))
}

// account is who at which provider.
type account struct{ provider, subject string }

func (of account) identifier() string { return of.provider + ":" + of.subject }

// oidc makes the credentials of a request.
func oidc(accounts ...account) *ory.IdentityWithCredentials {
	config := ory.NewIdentityWithCredentialsOidcConfig()
	for _, of := range accounts {
		config.Providers = append(config.Providers, *ory.NewIdentityWithCredentialsOidcConfigProvider(of.provider, of.subject))
	}
	credentials := ory.NewIdentityWithCredentials()
	credentials.Oidc = &ory.IdentityWithCredentialsOidc{Config: config}
	return credentials
}

func newIdentity(accounts ...account) ory.CreateIdentityBody {
	body := *ory.NewCreateIdentityBody("default", traits)
	if len(accounts) > 0 {
		body.Credentials = oidc(accounts...)
	}
	return body
}

func (by caller) make(t *testing.T, accounts ...account) *ory.Identity {
	t.Helper()
	made, answer, err := by.CreateIdentity(by.ctx).CreateIdentityBody(newIdentity(accounts...)).Execute()
	accepted(t, answer, err, http.StatusCreated)
	return made
}

func (by caller) read(t *testing.T, id string, include ...string) *ory.Identity {
	t.Helper()
	call := by.GetIdentity(by.ctx, id)
	if include != nil {
		call = call.IncludeCredential(include)
	}
	read, answer, err := call.Execute()
	accepted(t, answer, err, http.StatusOK)
	return read
}

func (by caller) find(t *testing.T, identifier string) []string {
	t.Helper()
	found, answer, err := by.ListIdentities(by.ctx).CredentialsIdentifier(identifier).Execute()
	accepted(t, answer, err, http.StatusOK)
	return ids(found)
}

func (by caller) put(id string, accounts ...account) (*ory.Identity, *http.Response, error) {
	body := *ory.NewUpdateIdentityBody("default", "active", traits)
	if len(accounts) > 0 {
		body.Credentials = oidc(accounts...)
	}
	return by.UpdateIdentity(by.ctx, id).UpdateIdentityBody(body).Execute()
}

func (by caller) unlink(id, kind, identifier string) (*http.Response, error) {
	call := by.DeleteIdentityCredentials(by.ctx, id, kind)
	if identifier != "" {
		call = call.Identifier(identifier)
	}
	return call.Execute()
}

func ids(of []ory.Identity) []string {
	var found []string
	for _, identity := range of {
		found = append(found, identity.Id)
	}
	return found
}

func same(t *testing.T, found, wanted any) {
	t.Helper()
	if !reflect.DeepEqual(found, wanted) {
		t.Fatalf("found %#v, wanted %#v", found, wanted)
	}
}

func accepted(t *testing.T, answer *http.Response, err error, status int) {
	t.Helper()
	if err != nil {
		var told *ory.GenericOpenAPIError
		if errors.As(err, &told) {
			t.Fatalf("%v: %s", err, told.Body())
		}
		t.Fatal(err)
	}
	same(t, answer.StatusCode, status)
}

// rejected: the call must fail with the client's own error, and this document in it.
func rejected(t *testing.T, answer *http.Response, err error, wanted document) {
	t.Helper()
	var told *ory.GenericOpenAPIError
	if !errors.As(err, &told) {
		t.Fatalf("no error of the client: %v", err)
	}
	same(t, float64(answer.StatusCode), wanted["code"])
	same(t, answer.Header.Get("Content-Type"), "application/json")
	var found document
	decoder := json.NewDecoder(bytes.NewReader(told.Body()))
	if err := decoder.Decode(&found); err != nil {
		t.Fatalf("%v: %s", err, told.Body())
	}
	same(t, found, document{"error": wanted})
	// The model knows the message, and keeps the other members.
	model, read := told.Model().(ory.ErrorGeneric)
	if !read {
		t.Fatalf("the client did not read the error: %v", told.Error())
	}
	same(t, model.Error.GetMessage(), wanted["message"])
	for name, value := range wanted {
		if name != "message" {
			same(t, model.Error.AdditionalProperties[name], value)
		}
	}
}

// sameLinks: an identity as it was made, whose oidc credentials are these and nothing else.
func sameLinks(t *testing.T, of *ory.Identity, accounts ...account) {
	t.Helper()
	same(t, of.SchemaId, "default")
	same(t, of.GetState(), "active")
	same(t, of.Traits, any(traits))
	same(t, len(of.AdditionalProperties), 0)
	if age := time.Since(of.GetCreatedAt()); age < -time.Minute || age > time.Minute {
		t.Fatalf("created %v ago", age)
	}
	if of.Credentials == nil {
		t.Fatal("no credentials")
	}
	if len(accounts) == 0 {
		same(t, *of.Credentials, map[string]ory.IdentityCredentials{})
		return
	}
	same(t, len(*of.Credentials), 1)
	found := (*of.Credentials)["oidc"]
	same(t, []any{found.GetType(), found.GetVersion(), len(found.AdditionalProperties)}, []any{"oidc", int64(0), 0})
	var wanted []string
	for _, account := range accounts {
		wanted = append(wanted, account.identifier())
	}
	slices.Sort(wanted)
	same(t, found.Identifiers, wanted)
}
