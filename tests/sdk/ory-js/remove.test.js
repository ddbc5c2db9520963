// Links and identities that are taken away; who is not there; and many at once.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const {
  drivers, NOBODY, TRAITS, NOT_THERE, CONFLICT, badRequest, subject, oidc, saml, rejected, assertIdentity,
} = require('./support');

for (const { name, api, make, read, put, patch, unlink, find } of drivers) {
  test(`${name}: unlink, and what can be wrong with it`, async () => {
    const [at, google] = [subject(), subject()];
    const { id } = await make(oidc(['acme-oidc', at], ['google', google]));
    const answer = await unlink(id, `google:${google}`);
    assert.equal(answer.status, 204);
    assert.equal(answer.data, '');
    const message = 'The requested resource could not be found';
    assert.deepEqual(await rejected(unlink(id, `google:${google}`), 404), {
      code: 404, status: 'Not Found', message, reason: `The identifier \`google:${google}\` was not found among OIDC credentials.`,
    });
    assert.deepEqual(await rejected(unlink(id, `acme-oidc:${at}`, 'saml'), 404), {
      code: 404, status: 'Not Found', message, reason: 'You tried to remove a saml but this user have no saml set up.',
    });
    assert.deepEqual(await rejected(unlink(id, undefined), 400), badRequest('You must provide an identifier to delete this credential.'));
    assertIdentity(await read(id), { credentials: { oidc: { identifiers: [`acme-oidc:${at}`] } } });
    // It is free for somebody else.
    const next = await make(oidc(['google', google]));
    assert.deepEqual((await find(`google:${google}`)).map((identity) => identity.id), [next.id]);
  });

  test(`${name}: the identity is deleted once, and its links are free`, async () => {
    const at = subject();
    const { id } = await make(oidc(['acme-oidc', at]));
    const answer = await api.deleteIdentity({ id });
    assert.equal(answer.status, 204);
    assert.equal(answer.data, '');
    assert.deepEqual(await rejected(api.deleteIdentity({ id }), 404), NOT_THERE);
    assert.deepEqual(await rejected(api.getIdentity({ id }), 404), NOT_THERE);
    assert.deepEqual(await find(`acme-oidc:${at}`), []);
    await make(oidc(['acme-oidc', at]));
  });

  test(`${name}: a batch makes each identity for itself`, async () => {
    const [at, taken, corp] = [subject(), subject(), subject()];
    await make(oidc(['google', taken]));
    const create = (credentials) => ({ schema_id: 'default', traits: TRAITS, credentials });
    const answer = await api.batchPatchIdentities({
      patchIdentitiesBody: {
        identities: [
          { patch_id: NOBODY, create: create({ ...oidc(['acme-oidc', at]), ...saml(['corp-saml', corp]) }) },
          { create: create(oidc(['google', taken])) },
          { patch_id: NOBODY.replace('c0', 'c1'), create: create(oidc(['acme-oidc', at])) },
          { create: create() },
        ],
      },
    });
    assert.equal(answer.status, 200);
    assert.deepEqual(Object.keys(answer.data), ['identities']);
    const [first, second, third, fourth] = answer.data.identities;
    assert.deepEqual(first, { action: 'create', identity: first.identity, patch_id: NOBODY });
    assert.deepEqual(second, { action: 'error', error: CONFLICT });
    assert.deepEqual(third, { action: 'error', patch_id: NOBODY.replace('c0', 'c1'), error: CONFLICT });
    assert.deepEqual(fourth, { action: 'create', identity: fourth.identity });
    assertIdentity(await read(first.identity), {
      credentials: { oidc: { identifiers: [`acme-oidc:${at}`] }, saml: { identifiers: [`corp-saml:${corp}`] } },
    });
    assertIdentity(await read(fourth.identity), { credentials: {} });
  });

  test(`${name}: nobody is a 404, whatever is asked`, async () => {
    for (const id of [NOBODY, 'not-a-uuid', 'a b/c']) {
      for (const call of [
        () => api.getIdentity({ id }),
        () => api.getIdentity({ id, includeCredential: ['oidc'] }),
        () => put(id, { credentials: oidc(['acme-oidc', subject()]) }),
        () => patch(id, { op: 'replace', path: '/metadata_admin', value: {} }),
        () => unlink(id, 'acme-oidc:1'),
        () => api.deleteIdentity({ id }),
      ]) {
        assert.deepEqual(await rejected(call(), 404), NOT_THERE);
      }
    }
  });
}
