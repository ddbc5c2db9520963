// Service accounts: the package finds the token endpoint by discovery, signs an assertion with the account's key, and
// calls with the token that it gets for it.

import test from 'node:test';
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServiceAccountInterceptor } from '@zitadel/node/dist/api/index.js';
import { ServiceAccount } from '@zitadel/node/dist/credentials/index.js';
import { ACME, Code, account, assertDetails, connect, link, newUser, rejected, tlsUrl } from './support.js';

const file = readFileSync(process.env.LINKBRIDGE_KEY_FILE, 'utf8');
const good = ServiceAccount.fromJsonString(file);

test('a key file opens what its client may do', async () => {
  const { users, management } = connect('TLS', tlsUrl, createServiceAccountInterceptor(tlsUrl, good, { apiAccess: true }));
  const [userId, at] = [await newUser(), account()];
  assertDetails((await users.addIDPLink({ userId, idpLink: link(at) })).details);
  const { result } = await management.listHumanLinkedIDPs({ userId });
  assert.deepEqual(result.map((one) => one.providedUserId), [at]);
  // Scopes are those of the client; this one may not delete.
  const remove = { userId, idpId: ACME, linkedUserId: at };
  await rejected((options) => management.removeHumanLinkedIDP(remove, options), Code.permissionDenied, 'AUTH-5mWD2', 'No matching permissions found');
});

test('a token can be asked for by itself, with and without access to the API', async () => {
  const userId = await newUser();
  for (const options of [{ apiAccess: true }, {}, { additionalScopes: ['profile'], roles: ['r'], projectAudiences: ['7'] }]) {
    const token = await good.authenticate(tlsUrl, options);
    const { management } = connect('TLS', tlsUrl).as(token);
    assert.deepEqual((await management.listHumanLinkedIDPs({ userId })).result, []);
    const other = connect('TLS', tlsUrl).as(`${token.slice(0, -4)}AAAA`);
    await rejected((more) => other.management.listHumanLinkedIDPs({ userId }, more), Code.unauthenticated, 'AUTH-7fs1e', 'Token is invalid');
  }
});

test('accounts and keys that are not known, and tokens for somebody else', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs1', format: 'pem' });
  for (const wrong of [
    new ServiceAccount(good.userId, good.keyId, key),
    new ServiceAccount('1', good.keyId, good.key),
    new ServiceAccount(good.userId, '1', good.key),
  ]) {
    await assert.rejects(wrong.authenticate(tlsUrl, { apiAccess: true }), (error) => {
      assert.equal(error.name, 'AxiosError');
      assert.deepEqual([error.response.status, error.response.data.error], [400, 'invalid_grant']);
      return true;
    });
  }
  // An assertion is not itself a token.
  const { management } = connect('TLS', tlsUrl).as(await good.getSignedJwt(tlsUrl));
  await rejected((options) => management.listHumanLinkedIDPs({ userId: '1' }, options), Code.unauthenticated, 'AUTH-7fs1e', 'Token is invalid');
});
