// Identities and links that are made and changed, and what is refused.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const {
  drivers, TRAITS, CONFLICT, url, subject, oidc, saml, oidcEntry, rejected, refused, assertIdentity,
} = require('./support');

for (const { name, api, make, read, put, patch, unlink, find } of drivers) {
  test(`${name}: create with links answers 201, the identity and its Location`, async () => {
    const [at, google, corp] = [subject(), subject(), subject()];
    const credentials = { ...oidc(['google', google], ['acme-oidc', at]), ...saml(['corp-saml', corp]) };
    const answer = await api.createIdentity({ createIdentityBody: { schema_id: 'default', traits: TRAITS, credentials } });
    assert.equal(answer.status, 201);
    assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
    assertIdentity(answer.data, {
      credentials: {
        oidc: { identifiers: [`acme-oidc:${at}`, `google:${google}`] }, saml: { identifiers: [`corp-saml:${corp}`] },
      },
    });
    assert.equal(answer.headers.location, `${url}/identities/${answer.data.id}`);
  });

  test(`${name}: every character of a subject comes back`, async () => {
    for (const of of ['s 2/ä', 'a:b', "a b+c/ü&='()!*~#?%", '100%25', '\u{1f600}', `"q" \\`]) {
      const own = `${subject()} ${of}`;
      const { id } = await make(oidc(['acme-oidc', own], ['google', own]));
      for (const identifier of [`acme-oidc:${own}`, `google:${own}`]) {
        const [found] = await find(identifier, ['oidc']);
        assert.equal(found?.id, id, identifier);
        assert.deepEqual(found.credentials.oidc.config.providers.map((entry) => entry.subject), [own, own]);
      }
      assert.equal((await unlink(id, `google:${own}`)).status, 204);
      assert.deepEqual((await read(id)).credentials.oidc.identifiers, [`acme-oidc:${own}`]);
      assert.equal((await unlink(id, `acme-oidc:${own}`)).status, 204);
      assert.deepEqual(await find(`acme-oidc:${own}`), []);
    }
  });

  test(`${name}: an update adds links to those that are there`, async () => {
    const [first, second, third, corp] = [subject(), subject(), subject(), subject()];
    const { id } = await make(oidc(['acme-oidc', first]));
    const answer = await put(id, { credentials: oidc(['google', second], ['acme-oidc', third]) });
    assert.equal(answer.status, 200);
    const identifiers = [`acme-oidc:${first}`, `acme-oidc:${third}`, `google:${second}`];
    assertIdentity(answer.data, { credentials: { oidc: { identifiers } } });
    await put(id, { credentials: saml(['corp-saml', corp]) });
    const providers = [oidcEntry('acme-oidc', first), oidcEntry('google', second), oidcEntry('acme-oidc', third)];
    const credentials = {
      oidc: { identifiers, providers }, saml: { identifiers: [`corp-saml:${corp}`], providers: [{ subject: corp, provider: 'corp-saml' }] },
    };
    assertIdentity(await read(id, ['oidc', 'saml']), { credentials });
    await put(id);
    assertIdentity(await read(id, ['oidc', 'saml']), { credentials });
  });

  test(`${name}: an update clears what it leaves out, and the whole document can go back`, async () => {
    const at = subject();
    const metadata = { metadata_admin: { a: [1, { b: null }] }, metadata_public: { 'ä b': 2.5 }, external_id: `e-${at}` };
    const { id } = await make(oidc(['acme-oidc', at]), { ...metadata, state: 'inactive' });
    const credentials = { oidc: { identifiers: [`acme-oidc:${at}`] } };
    const before = await read(id);
    assertIdentity(before, { ...metadata, state: 'inactive', credentials });
    // Members that an update does not have are ignored, credentials without their config among them.
    const same = await api.updateIdentity({ id, updateIdentityBody: { ...before, unheard_of: { c: 3 } } });
    assertIdentity(same.data, { ...metadata, state: 'inactive', credentials });
    const cleared = await put(id, { metadata_public: null });
    assertIdentity(cleared.data, { credentials });
    assertIdentity(await read(id), { credentials });
  });

  test(`${name}: what traits and metadata hold is kept as it was`, async () => {
    const traits = { name: { first: 'Änne', 'x.y': ['', null, true, -0.5, []] }, empty: {}, unheard_of: '\u0000\u{1f600}' };
    const metadata_admin = { linkbridge: { note: 'a "quoted" word' }, deep: [[[{}]]] };
    const made = await make(undefined, { traits, metadata_admin });
    assertIdentity(made, { traits, metadata_admin, credentials: {} });
    assertIdentity(await read(made.id), { traits, metadata_admin, credentials: {} });
  });

  test(`${name}: a member that there is not is refused in a create`, async () => {
    const of = subject();
    const body = { schema_id: 'default', traits: TRAITS, credentials: oidc(['acme-oidc', of]), foo: 1 };
    assert.deepEqual(await rejected(api.createIdentity({ createIdentityBody: body }), 400), {
      code: 400, status: 'Bad Request', message: 'json: unknown field "foo"',
    });
    assert.deepEqual(await find(`acme-oidc:${of}`), []);
  });

  test(`${name}: what is not kept or not known is refused`, async () => {
    const { id } = await make();
    const password = { password: { config: { password: 'correct horse battery' } } };
    await refused(put(id, { credentials: password }));
    await refused(api.createIdentity({ createIdentityBody: { schema_id: 'default', traits: TRAITS, credentials: password } }));
    await refused(put(id, { credentials: oidc(['nobody', subject()]) }));
    await refused(put(id, { credentials: oidc(['corp-saml', subject()]) }));
    await refused(put(id, { state: 'gone' }));
    assertIdentity(await read(id), { credentials: {} });
  });

  test(`${name}: a link that somebody has is a 409`, async () => {
    const [at, free] = [subject(), subject()];
    const owner = await make(oidc(['acme-oidc', at]));
    const other = await make();
    assert.deepEqual(await rejected(put(other.id, { credentials: oidc(['google', free], ['acme-oidc', at]) }), 409), CONFLICT);
    assert.deepEqual(await rejected(put(owner.id, { credentials: oidc(['acme-oidc', at]) }), 409), CONFLICT);
    const again = { schema_id: 'default', traits: TRAITS, credentials: oidc(['google', free], ['acme-oidc', at]) };
    assert.deepEqual(await rejected(api.createIdentity({ createIdentityBody: again }), 409), {
      code: 409, status: 'Conflict', message: 'The resource could not be created due to a conflict',
      reason: 'This identity conflicts with another identity that already exists.',
    });
    // Nothing of what was refused is there.
    assert.deepEqual(await find(`google:${free}`), []);
    assertIdentity(await read(other.id), { credentials: {} });
    assertIdentity(await read(owner.id), { credentials: { oidc: { identifiers: [`acme-oidc:${at}`] } } });
  });

  test(`${name}: a patch changes what is not a link`, async () => {
    const at = subject();
    const credentials = { oidc: { identifiers: [`acme-oidc:${at}`] } };
    const { id } = await make(oidc(['acme-oidc', at]));
    const answer = await patch(id, { op: 'replace', path: '/metadata_admin', value: { a: 1, 'b/c': [1] } });
    assert.equal(answer.status, 200);
    assertIdentity(answer.data, { metadata_admin: { a: 1, 'b/c': [1] }, credentials });
    await patch(
      id,
      { op: 'remove', path: '/metadata_admin/a' },
      { op: 'add', path: '/metadata_admin/b~1c/-', value: 2 },
      { op: 'add', path: '/traits/name', value: 'Ana' },
      { op: 'replace', path: '/state', value: 'inactive' });
    assertIdentity(await read(id), {
      metadata_admin: { 'b/c': [1, 2] }, traits: { ...TRAITS, name: 'Ana' }, state: 'inactive', credentials,
    });
  });

  test(`${name}: a patch of credentials is refused, and of the rest with them`, async () => {
    const at = subject();
    const { id } = await make(oidc(['acme-oidc', at]));
    const metadata = { op: 'replace', path: '/metadata_admin', value: { a: 1 } };
    const failed = (message) => ({ code: 400, status: 'Bad Request', message, reason: 'failed to apply JSON patch' });
    for (const path of ['/credentials', '/credentials/oidc', '/credentials/oidc/config/providers/0/subject', '/id']) {
      assert.deepEqual(
        await rejected(patch(id, metadata, { op: 'replace', path, value: 'x' }), 400), failed(`patch includes denied path: ${path}`));
    }
    assert.deepEqual(
      await rejected(patch(id, metadata, { op: 'test', path: '/state', value: 'active' }), 400), failed('unsupported operation: test'));
    assertIdentity(await read(id), { credentials: { oidc: { identifiers: [`acme-oidc:${at}`] } } });
  });
}
