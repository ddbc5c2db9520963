// Who may ask, and in which words it is refused.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const {
  drivers, openUrl, key, readerKey, NOBODY, TRAITS, NOT_THERE, UNAUTHORIZED, FORBIDDEN, subject, oidc, rejected, assertIdentity, linkHeader,
} = require('./support');

// In the vendor's form, and nobody's.
const UNKNOWN = 'ory_pat_0000000000000000000000000000';

for (const { name, credential, connect, api, make, read } of drivers) {
  test(`${name}: a credential that is missing, wrong or too small`, async () => {
    const at = subject();
    const { id } = await make(oidc(['acme-oidc', at]));
    // Also the key without its scheme, and under another one.
    const wrong = [{}, credential(UNKNOWN), { apiKey: key }, { username: 'u', password: key }];
    for (const config of wrong) {
      const stranger = connect(config);
      assert.deepEqual(await rejected(stranger.getIdentity({ id }), 401), UNAUTHORIZED);
      assert.deepEqual(await rejected(stranger.createIdentity({ createIdentityBody: {} }), 401), UNAUTHORIZED);
    }
    const reader = connect(credential(readerKey));
    assertIdentity((await reader.getIdentity({ id })).data, { credentials: { oidc: { identifiers: [`acme-oidc:${at}`] } } });
    assert.deepEqual(await rejected(reader.deleteIdentity({ id }), 403), FORBIDDEN);
    assert.deepEqual(
      await rejected(reader.deleteIdentityCredentials({ id, type: 'oidc', identifier: `acme-oidc:${at}` }), 403), FORBIDDEN);
  });

  test(`${name}: an error echoes the id of the request`, async () => {
    const headers = { 'X-Request-ID': 'r-9' };
    assert.deepEqual(await rejected(api.getIdentity({ id: NOBODY }, { headers }), 404), { ...NOT_THERE, request: 'r-9' });
  });

  test(`${name}: without any credential, where the front has a client for that`, async () => {
    const open = connect({}, openUrl);
    const at = subject();
    const body = { schema_id: 'default', traits: TRAITS, credentials: oidc(['acme-oidc', at]) };
    const made = await open.createIdentity({ createIdentityBody: body });
    const { id } = made.data;
    assert.equal(made.headers.location, `${openUrl}/identities/${id}`);
    const credentials = { oidc: { identifiers: [`acme-oidc:${at}`] } };
    assertIdentity(made.data, { credentials }, openUrl);
    assertIdentity((await open.getIdentity({ id })).data, { credentials }, openUrl);
    const { first } = linkHeader(await open.listIdentities({ pageSize: 1 }));
    assert.equal(first.origin + first.pathname, `${openUrl}/admin/identities`);
    // The same data, seen from the front that wants a credential.
    assert.equal((await read(id)).id, id);
    // Who brings a credential means it.
    const wrong = connect(credential(UNKNOWN), openUrl);
    assert.deepEqual(await rejected(wrong.getIdentity({ id }), 401), UNAUTHORIZED);
    assert.equal((await open.deleteIdentity({ id })).status, 204);
  });
}

test('@ory/kratos-client: an access token is not sent, headers of its own are', async () => {
  const { connect } = drivers[1];
  assert.deepEqual(await rejected(connect({ accessToken: key }).listIdentities(), 401), UNAUTHORIZED);
  const headers = { Authorization: `Bearer ${key}` };
  assert.equal((await connect({ baseOptions: { headers } }).listIdentities()).status, 200);
});
