// Who may ask, and for which organisation.

import test from 'node:test';
import assert from 'node:assert/strict';
import {
  ACME, Code, ORGANISATION, account, assertDetails, drivers, key, link, newUser, plain, readerKey, rejected,
} from './support.js';

for (const { name, users, management, as } of drivers) {
  test(`${name}: a token that is wrong, before anything else is looked at`, async () => {
    const userId = await newUser();
    for (const token of ['wrong', `${key}x`, key.slice(1)]) {
      const stranger = as(token);
      for (const call of [
        () => stranger.users.addIDPLink({ userId, idpLink: link(account()) }),
        () => stranger.users.addIDPLink({}),
        () => stranger.users.listIDPLinks({ userId }),
        () => stranger.users.removeIDPLink({ userId, idpId: ACME, linkedUserId: 'a' }),
        () => stranger.management.listHumanLinkedIDPs({ userId }),
      ]) {
        await rejected(call(), Code.unauthenticated, 'AUTH-7fs1e');
      }
    }
  });

  test(`${name}: a token that may only read`, async () => {
    const [userId, at] = [await newUser(), account()];
    await users.addIDPLink({ userId, idpLink: link(at) });
    const reader = as(readerKey);
    assert.deepEqual(plain((await reader.users.listIDPLinks({ userId })).result), [link(at)]);
    await rejected(reader.users.addIDPLink({ userId, idpLink: link(account()) }), Code.permissionDenied, 'AUTH-AWfge');
    const remove = { userId, idpId: ACME, linkedUserId: at };
    await rejected(reader.users.removeIDPLink(remove), Code.permissionDenied, 'AUTH-AWfge');
    await rejected(reader.management.removeHumanLinkedIDP(remove), Code.permissionDenied, 'AUTH-5mWD2');
    assert.deepEqual(plain((await users.listIDPLinks({ userId })).result), [link(at)]);
  });

  test(`${name}: an organisation in the header`, async () => {
    const [userId, at] = [await newUser(), account()];
    const of = (id) => ({ headers: { 'x-zitadel-orgid': id } });
    assertDetails((await users.addIDPLink({ userId, idpLink: link(at) }, of(ORGANISATION))).details);
    assert.equal((await management.listHumanLinkedIDPs({ userId }, of(ORGANISATION))).result.length, 1);
    await rejected(users.addIDPLink({ userId, idpLink: link(at) }, of('1')), Code.permissionDenied, 'AUTH-Bs7Ds');
    await rejected(management.listHumanLinkedIDPs({ userId }, of('1')), Code.permissionDenied, 'AUTH-Bs7Ds');
  });
}
