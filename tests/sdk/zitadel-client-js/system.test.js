// Tokens that a system user signs itself with the package's helper, which are sent as they are.

import test from 'node:test';
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { newSystemToken } from '@zitadel/client/node';
import { ACME, Code, account, assertDetails, drivers, link, newUser, plain, rejected } from './support.js';

const key = readFileSync(process.env.LINKBRIDGE_ACCOUNT_KEY, 'utf8');
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const good = { audience: 'https://zitadel.example.com', subject: 'system-user', key };

for (const { name, as } of drivers) {
  test(`${name}: a token of one's own making`, async () => {
    const [userId, at] = [await newUser(), account()];
    const { users } = as(await newSystemToken(good));
    assertDetails((await users.addIDPLink({ userId, idpLink: link(at) })).details);
    assert.deepEqual(plain((await users.listIDPLinks({ userId })).result), [link(at)]);
    // What the client that stands behind it may not do, it may not do either.
    const remove = users.removeIDPLink({ userId, idpId: ACME, linkedUserId: at });
    await rejected(remove, Code.permissionDenied, 'AUTH-AWfge');
  });

  test(`${name}: tokens that are for others, of others, or too old`, async () => {
    const userId = await newUser();
    for (const wrong of [
      { ...good, audience: 'https://elsewhere.example.com' },
      { ...good, subject: 'somebody' },
      { ...good, key: stranger },
      { ...good, expirationTime: '-10m' },
    ]) {
      const { users } = as(await newSystemToken(wrong));
      await rejected(users.listIDPLinks({ userId }), Code.unauthenticated, 'AUTH-7fs1e');
    }
  });
}
