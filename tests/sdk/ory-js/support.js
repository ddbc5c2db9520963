// What the tests share: the packages as a running linkbridge is driven with them, and the vendor's words.
//
// What the packages send and hand back is stated in the vendor reference, section 7: an answer is the one of axios,
// its `data` untouched; any status from 300 on rejects with an AxiosError whose `response.data` is the vendor's error
// document. What each call must answer is in sections 3 to 5 and 10.
'use strict';

const assert = require('node:assert/strict');

const need = (name) => process.env[name] ?? assert.fail(`${name} is not set`);
const url = need('LINKBRIDGE_URL');
const openUrl = need('LINKBRIDGE_OPEN_URL');
const key = need('LINKBRIDGE_KEY');
const readerKey = need('LINKBRIDGE_READER_KEY');

// Each package has its own way to say the same credential. In that of the self-hosted server the scheme is
// `apiKey`: what is given as `accessToken` it does not send.
const PACKAGES = [
  ['@ory/client', require('@ory/client'), (token) => ({ accessToken: token })],
  ['@ory/kratos-client', require('@ory/kratos-client'), (token) => ({ apiKey: `Bearer ${token}` })],
];

// An id that nobody has.
const NOBODY = 'c0a1b2d3-4e5f-4a6b-8c7d-9e0f1a2b3c4d';
const TRAITS = { email: 'ana@example.org' };
const BAD = 'The request was malformed or contained invalid parameters';
const NOT_THERE = { code: 404, status: 'Not Found', message: 'Unable to locate the resource' };
const UNAUTHORIZED = { code: 401, status: 'Unauthorized', message: 'The request could not be authorized' };
const FORBIDDEN = { code: 403, status: 'Forbidden', message: 'The requested action was forbidden' };
const CONFLICT = {
  code: 409, status: 'Conflict', message: 'Unable to insert or update resource because a resource with that value exists already',
};
const badRequest = (reason) => ({ code: 400, status: 'Bad Request', message: BAD, reason });

// Subjects of their own for each test, so that tests do not see each other's links.
let count = 0;
const subject = () => `js-${process.pid}-${++count}`;

const links = (pairs) => ({ config: { providers: pairs.map(([provider, of]) => ({ provider, subject: of })) } });
const oidc = (...pairs) => ({ oidc: links(pairs) });
const saml = (...pairs) => ({ saml: links(pairs) });

/** An entry of the config of oidc credentials, as an answer has it. */
const oidcEntry = (provider, of) => ({
  initial_id_token: '', initial_access_token: '', initial_refresh_token: '', subject: of, provider,
});

/** The call must reject with this status; answers the error of its document. */
async function rejected(call, status) {
  let answer;
  try {
    answer = await call;
  } catch (error) {
    assert.equal(error.name, 'AxiosError', String(error));
    assert.equal(error.response?.status, status, `${error.message} ${JSON.stringify(error.response?.data)}`);
    assert.equal(error.response.headers['content-type'], 'application/json');
    assert.deepEqual(Object.keys(error.response.data), ['error']);
    return error.response.data.error;
  }
  assert.fail(`answered with ${answer.status} ${JSON.stringify(answer.data)}, expected ${status}`);
}

/** The call must be refused as a bad request; the reason is a sentence of the server's own. */
async function refused(call) {
  const { reason, ...rest } = await rejected(call, 400);
  assert.ok(reason.length > 0);
  assert.deepEqual(rest, { code: 400, status: 'Bad Request', message: BAD });
}

function assertInstants(of) {
  for (const name of ['created_at', 'updated_at']) {
    assert.match(of[name], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    assert.ok(Date.parse(of[name]) > Date.parse('2020-01-01T00:00:00Z'));
  }
}

/** An identity, apart from its instants; `credentials` is absent where the answer has none. */
function assertIdentity(identity, expected, at = url) {
  assertInstants(identity);
  const { id, created_at, updated_at, credentials, ...rest } = identity;
  assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const { credentials: wanted, ...more } = expected;
  assert.deepEqual(rest, {
    schema_id: 'default', schema_url: `${at}/schemas/ZGVmYXVsdA`, state: 'active', traits: TRAITS,
    metadata_public: null, metadata_admin: null, organization_id: null, ...more,
  });
  assert.equal(credentials === undefined, wanted === undefined);
  assert.deepEqual(Object.keys(credentials ?? {}).sort(), Object.keys(wanted ?? {}).sort());
  for (const [type, { identifiers, providers }] of Object.entries(wanted ?? {})) {
    assertInstants(credentials[type]);
    const { created_at, updated_at, ...fixed } = credentials[type];
    assert.deepEqual(fixed, { type, identifiers, version: 0, ...(providers && { config: { providers } }) });
  }
}

/** The targets of a Link header (RFC 8288) by their relation. */
function linkHeader(answer) {
  const found = [...answer.headers.link.matchAll(/<([^>]*)>; rel="([^"]*)"/g)];
  return Object.fromEntries(found.map(([, target, rel]) => [rel, new URL(target, url)]));
}

/** A package with the calls that most tests make, each as short as it can be. */
function driver([name, { Configuration, IdentityApi, GetIdentityIncludeCredentialEnum }, credential]) {
  const connect = (config, basePath = url) => new IdentityApi(new Configuration({ basePath, ...config }));
  const api = connect(credential(key));
  const make = async (credentials, more = {}) => {
    const answer = await api.createIdentity({ createIdentityBody: { schema_id: 'default', traits: TRAITS, credentials, ...more } });
    assert.equal(answer.status, 201);
    return answer.data;
  };
  const read = async (id, includeCredential) => (await api.getIdentity({ id, includeCredential })).data;
  const put = (id, more = {}) =>
    api.updateIdentity({ id, updateIdentityBody: { schema_id: 'default', state: 'active', traits: TRAITS, ...more } });
  const patch = (id, ...jsonPatch) => api.patchIdentity({ id, jsonPatch });
  const unlink = (id, identifier, type = 'oidc') => api.deleteIdentityCredentials({ id, type, identifier });
  const find = async (credentialsIdentifier, includeCredential) =>
    (await api.listIdentities({ credentialsIdentifier, includeCredential })).data;
  return { name, types: GetIdentityIncludeCredentialEnum, credential, connect, api, make, read, put, patch, unlink, find };
}

module.exports = {
  drivers: PACKAGES.map(driver), url, openUrl, key, readerKey,
  NOBODY, TRAITS, BAD, NOT_THERE, UNAUTHORIZED, FORBIDDEN, CONFLICT, badRequest,
  subject, oidc, saml, oidcEntry, rejected, refused, assertIdentity, linkHeader,
};
