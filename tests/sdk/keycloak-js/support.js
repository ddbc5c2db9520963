// What the tests share: the package as a running linkbridge is driven with it, and the vendor's words.
//
// What the package sends and hands back is stated in the vendor reference, section 1.6: it asks the realm for a token by
// HTTP Basic, reads when that expires, and sends it; an error is a NetworkError with the response and its document, and
// a user or provider who is not there is null. It is published as a module of ECMAScript.
'use strict';

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');

const need = (name) => process.env[name] ?? assert.fail(`${name} is not set`);
const url = need('LINKBRIDGE_URL');
const key = need('LINKBRIDGE_KEY');
const readerKey = need('LINKBRIDGE_READER_KEY');

const REALM = 'shop';
const LINKED = { errorMessage: 'User is already linked with provider' };
const NO_LINK = { error: 'Link not found' };
const NO_USER = { error: 'User not found' };
const NOT_FOUND = { error: 'HTTP 404 Not Found' };
const UNAUTHORIZED = { error: 'HTTP 401 Unauthorized' };
const FORBIDDEN = { error: 'HTTP 403 Forbidden' };
const REFUSED = { error: 'unauthorized_client', error_description: 'Invalid client or Invalid client credentials' };

// Accounts of their own for each test, so that tests do not see each other's links.
let count = 0;
const account = () => `js-${process.pid}/ü ${++count}`;

/** A new user of the directory, whom the vendor knows by the same id. */
async function newUser() {
  const id = randomUUID();
  const answer = await fetch(`${url}/linkbridge/v1/users/${id}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ document: { username: `mara-${id}` } }),
  });
  assert.equal(answer.status, 201, await answer.text());
  return id;
}

/** The package, not yet with a token. */
async function client(realmName = REALM) {
  const { default: KeycloakAdminClient } = await import('@keycloak/keycloak-admin-client');
  return new KeycloakAdminClient({ baseUrl: url, realmName });
}

const credentials = (clientId = 'sdk', clientSecret = key) => ({ grantType: 'client_credentials', clientId, clientSecret });

/** The package, with a token for this client. */
async function connect(...as) {
  const admin = await client();
  await admin.auth(credentials(...as));
  return admin;
}

/** The call must reject with this status and this document. */
async function rejected(call, status, document) {
  let answer;
  try {
    answer = await call;
  } catch (error) {
    assert.ok(error.response, String(error));
    assert.equal(error.response.status, status, error.message);
    assert.deepEqual(error.responseData, document);
    assert.equal(error.message, document.error ?? document.errorMessage);
    return;
  }
  assert.fail(`answered with ${JSON.stringify(answer)}, expected ${status}`);
}

module.exports = {
  url, key, readerKey, LINKED, NO_LINK, NO_USER, NOT_FOUND, UNAUTHORIZED, FORBIDDEN, REFUSED,
  account, newUser, client, credentials, connect, rejected,
};
