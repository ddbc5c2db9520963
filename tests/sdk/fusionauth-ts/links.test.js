// Drives a running linkbridge with the vendor's own client for TypeScript, unmodified.
//
// What each call must resolve or reject with is stated in the vendor reference, section 6.2: a success
// resolves with the JSON of an answer that has a JSON type and with undefined for an empty one; anything
// else rejects with the status and, for a JSON answer, the document as `exception`.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { FusionAuthClient } = require('@fusionauth/typescript-client');

const need = (name) => process.env[name] ?? assert.fail(`${name} is not set`);
const url = need('LINKBRIDGE_URL');
const key = need('LINKBRIDGE_KEY');
const readerKey = need('LINKBRIDGE_READER_KEY');

// The fixtures of the vendor reference, section 9.
const T = '48426136-8eb7-49d5-81f3-9280b146a334';
const A = '206a5101-bf29-487c-af8f-7485ca48d6d5';
const B = '61c44860-f2a2-4b8f-9af3-e345dbcd4e5d';
const Z = 'a30004e5-b082-445d-a7bd-42eb86398b6e';
const P = '74c21534-2ecf-4c14-8b0a-444622bedf4b';
const G = '82339786-3dff-42a6-aac6-1f1ceecb6c46';

const client = new FusionAuthClient(key, url);

// Subjects of their own for each test, so that tests do not see each other's links.
let count = 0;
const subject = () => `ts-${++count}`;

async function native(method, path, body) {
  const answer = await fetch(url + path, {
    method,
    headers: { Authorization: `Bearer ${key}`, 'Linkbridge-Tenant': 'acme', 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.ok(answer.status === 200 || answer.status === 201, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

async function pendingLink(of) {
  const made = await native('POST', '/linkbridge/v1/pending-links', {
    provider_id: 'acme-oidc', subject: of, display_name: 'ann@example.test', email: 'ann@example.test', username: 'ann',
  });
  return made.pending_id;
}

function assertLink(link, expected) {
  const { insertInstant, lastLoginInstant, ...rest } = link;
  for (const instant of [insertInstant, lastLoginInstant]) {
    assert.ok(Number.isInteger(instant) && instant > 1577836800000, `no instant: ${instant}`);
  }
  assert.deepEqual(rest, {
    identityProviderId: P, identityProviderName: 'Acme OIDC', identityProviderType: 'OpenIDConnect', tenantId: T, userId: A,
    ...expected,
  });
}

/** The call must reject with this status; answers what it was rejected with. */
async function rejected(call, status) {
  let answer;
  try {
    answer = await call;
  } catch (error) {
    assert.equal(error.statusCode, status, JSON.stringify(error));
    assert.equal(error.response, undefined);
    return error.exception;
  }
  assert.fail(`resolved with ${answer.statusCode} ${JSON.stringify(answer.response)}, expected ${status}`);
}

function assertFieldError(exception, field, code) {
  assert.deepEqual(Object.keys(exception.fieldErrors), [field]);
  assert.deepEqual(exception.fieldErrors[field].map((e) => e.code), [code]);
  assert.ok(exception.fieldErrors[field][0].message.length > 0);
  assert.deepEqual(exception.generalErrors, []);
}


const create = (of, user = A, more = {}) =>
  client.createUserLink({ identityProviderLink: { identityProviderId: P, identityProviderUserId: of, userId: user, ...more } });

test.before(async () => {
  for (const user of [A, B]) {
    await native('PUT', `/linkbridge/v1/users/${user}`, {});
  }
});

test('create resolves with the whole link', async () => {
  const of = subject();
  const answer = await create(of, A, { displayName: 'ann@example.test' });
  assert.equal(answer.statusCode, 200);
  assert.deepEqual(Object.keys(answer.response), ['identityProviderLink']);
  assertLink(answer.response.identityProviderLink, { identityProviderUserId: of, displayName: 'ann@example.test' });
});

test('create with a token resolves with the token', async () => {
  const of = subject();
  const answer = await create(of, A, { token: 'opaque-1' });
  assertLink(answer.response.identityProviderLink, { identityProviderUserId: of, token: 'opaque-1' });
});

test('create with the deprecated flat body', async () => {
  const of = subject();
  const answer = await client.createUserLink({ identityProviderId: P, identityProviderUserId: of, userId: A, displayName: 'ann' });
  assert.equal(answer.statusCode, 200);
  assertLink(answer.response.identityProviderLink, { identityProviderUserId: of, displayName: 'ann' });
});

test('retrieve one link, with its user', async () => {
  const of = subject();
  await create(of);
  const answer = await client.retrieveUserLink(P, of, A);
  assert.equal(answer.statusCode, 200);
  assert.deepEqual(Object.keys(answer.response), ['identityProviderLink']);
  assertLink(answer.response.identityProviderLink, { identityProviderUserId: of });
  assert.equal(await rejected(client.retrieveUserLink(P, of, B), 404), undefined);
});

test('retrieve by provider', async () => {
  const at = subject();
  await create(at, B);
  const answer = await client.retrieveUserLinksByUserId(P, B);
  assert.equal(answer.statusCode, 200);
  assert.deepEqual(Object.keys(answer.response), ['identityProviderLinks']);
  assert.deepEqual(answer.response.identityProviderLinks.map((l) => l.identityProviderUserId), [at]);
  const none = await client.retrieveUserLinksByUserId(G, B);
  assert.deepEqual(none.response, { identityProviderLinks: [] });
  await client.deleteUserLink(P, at, B);
});

test('retrieve by user', async () => {
  // The SDK sends undefined as a word; the blank is what stands for "at every provider".
  const [at, google] = [subject(), subject()];
  await create(at, B);
  await client.createUserLink({ identityProviderLink: { identityProviderId: G, identityProviderUserId: google, userId: B } });
  const answer = await client.retrieveUserLinksByUserId('', B);
  assert.deepEqual(answer.response.identityProviderLinks.map((l) => [l.identityProviderName, l.identityProviderUserId]), [
    ['Acme OIDC', at], ['Google', google],
  ]);
  await client.deleteUserLink(P, at, B);
  await client.deleteUserLink(G, google, B);
});

test('an argument left out is sent as the word undefined, which is no UUID', async () => {
  assertFieldError(await rejected(client.retrieveUserLinksByUserId(undefined, A), 400), 'identityProviderId', '[couldNotConvert]identityProviderId');
  const pending = await pendingLink(subject());
  assertFieldError(await rejected(client.retrievePendingLink(pending), 400), 'userId', '[couldNotConvert]userId');
});

test('retrieve a pending link with and without a user', async () => {
  const of = subject();
  const pending = await pendingLink(of);
  const link = {
    displayName: 'ann@example.test', email: 'ann@example.test', identityProviderId: P, identityProviderName: 'Acme OIDC',
    identityProviderType: 'OpenIDConnect', identityProviderUserId: of, username: 'ann',
  };
  const without = await client.retrievePendingLink(pending, '');
  assert.deepEqual(without.response, { pendingIdPLink: link });
  const before = (await client.retrieveUserLinksByUserId(P, A)).response.identityProviderLinks.length;
  const answer = await client.retrievePendingLink(pending, A);
  assert.deepEqual(answer.response, { linkCount: before, pendingIdPLink: link });
  assert.equal(await rejected(client.retrievePendingLink('does-not-exist', A), 404), undefined);
});

for (const [style, body] of [
  ['the link object', (pending) => ({ pendingIdPLinkId: pending, identityProviderLink: { userId: A } })],
  ['the deprecated flat body', (pending) => ({ pendingIdPLinkId: pending, userId: A })],
]) {
  test(`complete a pending link with ${style}`, async () => {
    const of = subject();
    const pending = await pendingLink(of);
    const answer = await client.createUserLink(body(pending));
    assert.equal(answer.statusCode, 200);
    assertLink(answer.response.identityProviderLink, { identityProviderUserId: of, displayName: 'ann@example.test' });
    const again = await rejected(client.createUserLink(body(pending)), 400);
    assert.ok(Object.keys(again.fieldErrors).length + again.generalErrors.length > 0);
    assert.equal(await rejected(client.retrievePendingLink(pending, A), 404), undefined);
  });
}

test('delete resolves with nothing, and is then a 404 (case 56)', async () => {
  const of = subject();
  await create(of);
  const answer = await client.deleteUserLink(P, of, A);
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.response, undefined);
  assert.equal(answer.exception, undefined);
  assert.equal(await rejected(client.retrieveUserLink(P, of, A), 404), undefined);
  assert.equal(await rejected(client.deleteUserLink(P, of, A), 404), undefined);
});

test('every character of a subject comes back (case 57)', async () => {
  const of = "a b+c/ü&='()!*~#?%";
  const made = await create(of);
  assert.equal(made.response.identityProviderLink.identityProviderUserId, of);
  const read = await client.retrieveUserLink(P, of, A);
  assert.equal(read.response.identityProviderLink.identityProviderUserId, of);
  await client.deleteUserLink(P, of, A);
  // The other SDK has its turn with this one.
  assert.equal((await create('a b+c/ü&=')).response.identityProviderLink.identityProviderUserId, 'a b+c/ü&=');
  const shared = await client.retrieveUserLink(P, 'a b+c/ü&=', A);
  assert.equal(shared.response.identityProviderLink.identityProviderUserId, 'a b+c/ü&=');
  await client.deleteUserLink(P, 'a b+c/ü&=', A);
});

test('what is wrong with a create is told by field', async () => {
  const of = subject();
  const field = (name) => `identityProviderLink.${name}`;
  await create(of);
  for (const user of [A, B]) {
    assertFieldError(await rejected(create(of, user), 400), field('identityProviderUserId'), `[alreadyLinked]${field('identityProviderUserId')}`);
  }
  assertFieldError(await rejected(create(subject(), A, { userId: undefined }), 400), field('userId'), `[missing]${field('userId')}`);
  assertFieldError(await rejected(create('', A), 400), field('identityProviderUserId'), `[blank]${field('identityProviderUserId')}`);
  assertFieldError(await rejected(create(subject(), Z), 400), field('userId'), `[invalid]${field('userId')}`);
  assertFieldError(await rejected(create(subject(), 'xyz'), 400), field('userId'), '[invalidJSON]');
  assertFieldError(
    await rejected(create(subject(), A, { identityProviderId: Z }), 400), field('identityProviderId'), `[invalid]${field('identityProviderId')}`);
  assertFieldError(
    await rejected(create(subject(), A, { identityProviderId: undefined }), 400), field('identityProviderId'), `[missing]${field('identityProviderId')}`);
});

test('all problems of a create come in one answer', async () => {
  const problems = await rejected(client.createUserLink({ identityProviderLink: {} }), 400);
  const fields = ['identityProviderId', 'identityProviderUserId', 'userId'].map((name) => `identityProviderLink.${name}`);
  assert.deepEqual(Object.keys(problems.fieldErrors).sort(), fields);
});

test('a read of nobody is a 404 without a document', async () => {
  assert.equal(await rejected(client.retrieveUserLink(P, 'nobody', A), 404), undefined);
  assert.equal(await rejected(client.retrieveUserLinksByUserId(P, Z), 404), undefined);
  assertFieldError(await rejected(client.retrieveUserLinksByUserId(P, 'not-a-uuid'), 400), 'userId', '[couldNotConvert]userId');
});

test('a delete wants all three', async () => {
  assertFieldError(await rejected(client.deleteUserLink(P, subject(), 'not-a-uuid'), 400), 'userId', '[couldNotConvert]userId');
  const problems = await rejected(client.deleteUserLink(P, '', A), 400);
  assert.deepEqual(Object.keys(problems.fieldErrors), ['identityProviderUserId']);
});

test('a key that is unknown or may not is a 401 without a document', async () => {
  const of = subject();
  await create(of);
  for (const wrong of ['unknown-key-unknown-key-unknown-key-unknown', `Bearer ${key}`]) {
    assert.equal(await rejected(new FusionAuthClient(wrong, url).retrieveUserLink(P, of, A), 401), undefined);
  }
  const reader = new FusionAuthClient(readerKey, url);
  assert.equal((await reader.retrieveUserLink(P, of, A)).statusCode, 200);
  assert.equal(await rejected(reader.deleteUserLink(P, of, A), 401), undefined);
  assert.equal(await rejected(reader.createUserLink({ identityProviderLink: {} }), 401), undefined);
});

test('the tenant header', async () => {
  const of = subject();
  await create(of);
  assert.equal((await new FusionAuthClient(key, url, T).retrieveUserLink(P, of, A)).statusCode, 200);
  const problems = await rejected(new FusionAuthClient(key, url, Z).retrieveUserLink(P, of, A), 400);
  assert.equal(problems.generalErrors.length, 1);
});

test('providers are found by id, as a list, and by search', async () => {
  const one = await client.retrieveIdentityProvider(P);
  assert.equal(one.response.identityProvider.name, 'Acme OIDC');
  assert.equal(one.response.identityProvider.type, 'OpenIDConnect');
  const all = await client.retrieveIdentityProviders();
  assert.deepEqual(all.response.identityProviders.map((p) => p.id).sort(), [P, G].sort());
  const found = await client.searchIdentityProviders({ search: { name: 'Acme OIDC' } });
  assert.deepEqual(found.response.identityProviders.map((p) => p.id), [P]);
  assert.equal(found.response.total, 1);
  assert.equal(await rejected(client.retrieveIdentityProvider(Z), 404), undefined);
  assert.equal((await client.lookupIdentityProvider('acme.example')).response.identityProvider.id, P);
});
