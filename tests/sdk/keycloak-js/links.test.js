// Links that come and go, who is found by them, and what is refused.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const {
  readerKey, LINKED, NO_LINK, NO_USER, NOT_FOUND, UNAUTHORIZED, FORBIDDEN, REFUSED,
  account, newUser, client, credentials, connect, rejected,
} = require('./support');

const link = (identityProvider, userId, userName) => ({ identityProvider, userId, userName });
const add = (admin, id, federatedIdentityId, federatedIdentity) =>
  admin.users.addToFederatedIdentity({ id, federatedIdentityId, federatedIdentity });
const list = (admin, id) => admin.users.listFederatedIdentities({ id });
const remove = (admin, id, federatedIdentityId) => admin.users.delFromFederatedIdentity({ id, federatedIdentityId });

test('a link comes and goes', async () => {
  const [admin, id, at] = [await connect(), await newUser(), account()];
  assert.deepEqual(await list(admin, id), []);
  // The body is what the caller gives: without the provider, and with it.
  await add(admin, id, 'google', { userId: at, userName: 'mara@example.test' });
  await add(admin, id, 'acme-oidc', link('acme-oidc', at, 'mara'));
  const found = await list(admin, id);
  found.sort((a, b) => a.identityProvider.localeCompare(b.identityProvider));
  assert.deepEqual(found, [link('acme-oidc', at, 'mara'), link('google', at, 'mara@example.test')]);
  // A delete has a body, `{}`.
  await remove(admin, id, 'google');
  assert.deepEqual(await list(admin, id), [link('acme-oidc', at, 'mara')]);
  await rejected(remove(admin, id, 'google'), 404, NO_LINK);
});

test('one link at a provider, and one holder of an account', async () => {
  const [admin, id, at] = [await connect(), await newUser(), account()];
  await add(admin, id, 'google', { userId: at, userName: 'mara' });
  for (const userId of [at, account()]) {
    await rejected(add(admin, id, 'google', { userId, userName: 'mara' }), 409, LINKED);
  }
  await rejected(add(admin, await newUser(), 'google', { userId: at, userName: 'noor' }), 409, {
    errorMessage: 'Federated identity returned by google is already linked to another user.',
  });
});

test('a user is found by the account', async () => {
  const [admin, id, at] = [await connect(), await newUser(), account()];
  await add(admin, id, 'google', { userId: at, userName: 'mara' });
  const [found, ...more] = await admin.users.find({ idpAlias: 'google', idpUserId: at, first: 0, max: 2 });
  assert.deepEqual(more, []);
  const { createdTimestamp, ...rest } = found;
  assert.ok(createdTimestamp > Date.parse('2020-01-01T00:00:00Z'));
  const user = { id, username: `mara-${id}`, emailVerified: false, enabled: true };
  assert.deepEqual(rest, user);
  const one = await admin.users.findOne({ id });
  assert.deepEqual(one, { ...user, createdTimestamp, federatedIdentities: [link('google', at, 'mara')] });
  assert.deepEqual(await admin.users.find({ idpAlias: 'acme-oidc', idpUserId: at }), []);
});

test('providers', async () => {
  const admin = await connect();
  const wanted = [
    { alias: 'acme-oidc', displayName: 'Acme OIDC', providerId: 'oidc', enabled: true, config: {} },
    { alias: 'google', displayName: 'Google', providerId: 'google', enabled: true, config: {} },
  ];
  const found = await admin.identityProviders.find({ briefRepresentation: true });
  found.sort((a, b) => a.alias.localeCompare(b.alias));
  assert.deepEqual(found, wanted);
  assert.deepEqual(await admin.identityProviders.findOne({ alias: 'google' }), wanted[1]);
  assert.equal(await admin.identityProviders.findOne({ alias: 'nope' }), null);
});

test('nobody', async () => {
  const [admin, nobody] = [await connect(), randomUUID()];
  await rejected(list(admin, nobody), 404, NO_USER);
  await rejected(add(admin, nobody, 'google', { userId: account() }), 404, NO_USER);
  await rejected(remove(admin, nobody, 'google'), 404, NO_USER);
  assert.equal(await admin.users.findOne({ id: nobody }), null);
  await rejected(add(admin, await newUser(), 'nope', { userId: account() }), 404, NOT_FOUND);
});

test('who may', async () => {
  const id = await newUser();
  const reader = await connect('reader', readerKey);
  assert.deepEqual(await list(reader, id), []);
  await rejected(add(reader, id, 'google', { userId: account() }), 403, FORBIDDEN);
  for (const as of [['sdk', 'wrong'], ['nobody', readerKey]]) {
    await rejected(connect(...as), 401, REFUSED);
  }
  const admin = await client();
  admin.registerTokenProvider({ getAccessToken: async () => 'abc' });
  await rejected(list(admin, id), 401, UNAUTHORIZED);
});

test('another realm', async () => {
  const nowhere = await client('nope');
  await rejected(nowhere.auth(credentials()), 401, REFUSED);
  // A token is of its realm, and is told nothing of others.
  const admin = await connect();
  admin.setConfig({ realmName: 'nope' });
  await rejected(admin.identityProviders.find(), 403, FORBIDDEN);
});
