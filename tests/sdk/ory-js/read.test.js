// Identities as they are read: one, the one of a link, and lists of them.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const {
  drivers, NOBODY, BAD, badRequest, subject, oidc, saml, oidcEntry, rejected, assertIdentity, linkHeader,
} = require('./support');

for (const { name, types, api, make, read, find } of drivers) {
  test(`${name}: get has the config of the credentials that were asked for`, async () => {
    const [at, corp] = [subject(), subject()];
    const { id } = await make({ ...oidc(['acme-oidc', at]), ...saml(['corp-saml', corp]) });
    const [bare, bareSaml] = [{ identifiers: [`acme-oidc:${at}`] }, { identifiers: [`corp-saml:${corp}`] }];
    const full = { ...bare, providers: [oidcEntry('acme-oidc', at)] };
    const fullSaml = { ...bareSaml, providers: [{ subject: corp, provider: 'corp-saml' }] };
    assertIdentity(await read(id), { credentials: { oidc: bare, saml: bareSaml } });
    assertIdentity(await read(id, []), { credentials: { oidc: bare, saml: bareSaml } });
    assertIdentity(await read(id, ['oidc']), { credentials: { oidc: full, saml: bareSaml } });
    assertIdentity(await read(id, ['saml']), { credentials: { oidc: bare, saml: fullSaml } });
    assertIdentity(await read(id, ['oidc', 'saml']), { credentials: { oidc: full, saml: fullSaml } });
    assertIdentity(await read(id, ['password', 'totp']), { credentials: { oidc: bare, saml: bareSaml } });
  });

  test(`${name}: every type that the package knows can be asked for`, async () => {
    const at = subject();
    const { id } = await make(oidc(['acme-oidc', at]));
    // The last one is the generator's word for "none of these".
    const all = Object.entries(types).filter(([word]) => word !== 'UnknownDefaultOpenApi').map(([, type]) => type);
    assert.ok(all.length >= 9);
    const wanted = { credentials: { oidc: { identifiers: [`acme-oidc:${at}`], providers: [oidcEntry('acme-oidc', at)] } } };
    assertIdentity(await read(id, all), wanted);
    const [listed] = await find(`acme-oidc:${at}`, all);
    assertIdentity(listed, wanted);
  });

  test(`${name}: a type that there is not is a 400`, async () => {
    const { id } = await make(oidc(['acme-oidc', subject()]));
    assert.deepEqual(
      await rejected(api.getIdentity({ id, includeCredential: ['XYZ'] }), 400),
      badRequest('Invalid value `[]` for parameter `include_credential`.'));
    assert.deepEqual(
      await rejected(api.listIdentities({ includeCredential: ['XYZ'] }), 400),
      badRequest('Invalid value `XYZ` for parameter `include_credential`.'));
    // The reason names what was read so far, in a form that is not known.
    assert.equal((await rejected(api.getIdentity({ id, includeCredential: ['oidc', 'XYZ'] }), 400)).message, BAD);
  });

  test(`${name}: find by provider and subject`, async () => {
    const [at, corp] = [subject(), subject()];
    const { id } = await make(oidc(['acme-oidc', at], ['google', at]));
    const identifiers = [`acme-oidc:${at}`, `google:${at}`];
    const [bare, ...others] = await find(`acme-oidc:${at}`);
    assert.deepEqual(others, []);
    assert.equal(bare.id, id);
    assertIdentity(bare, { credentials: { oidc: { identifiers } } });
    const [full] = await find(`google:${at}`, ['oidc', 'saml']);
    const providers = [oidcEntry('acme-oidc', at), oidcEntry('google', at)];
    assertIdentity(full, { credentials: { oidc: { identifiers, providers } } });
    for (const nobody of [`acme-oidc:${at}x`, `acme-oidc:${at.toUpperCase()}`, `nobody:${at}`, at, 'acme-oidc:']) {
      assert.deepEqual(await find(nobody), [], nobody);
    }
    const other = await make(saml(['corp-saml', corp]));
    assert.deepEqual((await find(`corp-saml:${corp}`)).map((identity) => identity.id), [other.id]);
    const strong = await api.listIdentities({ credentialsIdentifier: `acme-oidc:${at}`, consistency: 'strong' });
    assert.deepEqual(strong.data.map((identity) => identity.id), [id]);
  });

  test(`${name}: pages are walked by the Link header`, async () => {
    const made = [];
    for (let n = 0; n < 7; n += 1) {
      made.push((await make(oidc(['acme-oidc', subject()]))).id);
    }
    const seen = [];
    let pages = 0;
    let pageToken;
    do {
      const answer = await api.listIdentities({ pageSize: 3, pageToken });
      const { first, next } = linkHeader(answer);
      assert.equal(first.pathname, '/admin/identities');
      assert.deepEqual(Object.fromEntries(first.searchParams), {
        page_size: '3', page_token: '00000000-0000-0000-0000-000000000000',
      });
      answer.data.forEach((identity) => assert.equal(identity.credentials, undefined));
      seen.push(...answer.data.map((identity) => identity.id));
      pages += 1;
      pageToken = next?.searchParams.get('page_token');
      if (next) {
        assert.equal(answer.data.length, 3);
        assert.equal(next.searchParams.get('page_size'), '3');
      }
    } while (pageToken);
    assert.ok(pages >= 3);
    assert.equal(pages, Math.ceil(seen.length / 3));
    assert.equal(new Set(seen).size, seen.length, 'nobody is told twice');
    made.forEach((id) => assert.ok(seen.includes(id)));
    const all = await api.listIdentities();
    assert.deepEqual(all.data.map((identity) => identity.id).sort(), [...seen].sort());
    assert.equal(linkHeader(all).next, undefined);
  });

  test(`${name}: credentials stay in the pages that were asked for them`, async () => {
    const at = subject();
    const { id } = await make(oidc(['acme-oidc', at]));
    const mine = [];
    let pageToken;
    do {
      const answer = await api.listIdentities({ pageSize: 2, pageToken, includeCredential: ['oidc', 'saml'] });
      const { next } = linkHeader(answer);
      // What was asked for stays in the link, as one value or as two.
      assert.equal(next?.searchParams.getAll('include_credential').join() ?? 'oidc,saml', 'oidc,saml');
      mine.push(...answer.data.filter((identity) => identity.id === id));
      pageToken = next?.searchParams.get('page_token');
    } while (pageToken);
    assert.equal(mine.length, 1);
    assertIdentity(mine[0], { credentials: { oidc: { identifiers: [`acme-oidc:${at}`], providers: [oidcEntry('acme-oidc', at)] } } });
  });

  test(`${name}: a bad page token is a 400`, async () => {
    assert.deepEqual(
      await rejected(api.listIdentities({ pageToken: 'zzz' }), 400),
      badRequest('The page token is invalid, do not craft your own page tokens'));
  });

  test(`${name}: identities by their ids`, async () => {
    const [one, other] = [await make(), await make()];
    const some = (await api.listIdentities({ ids: [one.id, NOBODY, other.id] })).data;
    assert.deepEqual(some.map((identity) => identity.id).sort(), [one.id, other.id].sort());
    some.forEach((identity) => assertIdentity(identity, {}));
    assert.deepEqual((await api.listIdentities({ ids: [NOBODY] })).data, []);
    assert.deepEqual(
      await rejected(api.listIdentities({ ids: [one.id], credentialsIdentifier: 'acme-oidc:1' }), 400),
      badRequest('You cannot combine multiple filters in this API'));
  });
}
