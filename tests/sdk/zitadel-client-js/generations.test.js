// The generations before and beside v2: the same links by the management API v1 and by v3alpha.

import test from 'node:test';
import assert from 'node:assert/strict';
import { ACME, Code, GOOGLE, NOBODY, ORGANISATION, account, assertDetails, assertNow, drivers, link, newUser, rejected } from './support.js';

for (const { name, users, management, resources } of drivers) {
  test(`${name}: management v1 lists and removes`, async () => {
    const [userId, at, google] = [await newUser(), account(), account()];
    await users.addIDPLink({ userId, idpLink: link(at) });
    await users.addIDPLink({ userId, idpLink: link(google, GOOGLE) });
    const { result, details } = await management.listHumanLinkedIDPs({ userId, query: { limit: 5 } });
    assert.equal(details.totalResult, 2n);
    assertNow(details.viewTimestamp);
    const told = result.map(({ $typeName, ...rest }) => rest);
    const name = 'rosa@ext.example';
    // 1 = IDP_TYPE_OIDC; the older enum has no word for Google.
    assert.deepEqual(told, [
      { userId, idpId: ACME, idpName: 'Acme OIDC', providedUserId: at, providedUserName: name, idpType: 1 },
      { userId, idpId: GOOGLE, idpName: 'Google', providedUserId: google, providedUserName: name, idpType: 0 },
    ]);
    const remove = { userId, idpId: ACME, linkedUserId: at };
    assertDetails((await management.removeHumanLinkedIDP(remove)).details);
    await rejected(management.removeHumanLinkedIDP(remove), Code.notFound, 'COMMAND-1M9xR');
    assert.equal((await management.listHumanLinkedIDPs({ userId: NOBODY })).result.length, 0);
    await management.healthz({});
  });

  test(`${name}: v3alpha adds and removes`, async () => {
    const [id, at] = [await newUser(), account()];
    const added = await resources.addIDPAuthenticator({ id, authenticator: link(at) });
    assert.equal(added.details.id, id);
    // 3 = OWNER_TYPE_ORG.
    assert.deepEqual([added.details.owner.type, added.details.owner.id], [3, ORGANISATION]);
    assertNow(added.details.changed);
    assert.equal((await users.listIDPLinks({ userId: id })).result[0].userId, at);
    // This generation has another code than v2 for a user that is not there.
    await rejected(resources.addIDPAuthenticator({ id: NOBODY, authenticator: link(account()) }), Code.notFound, 'COMMAND-vzktar7b7f');
    const removed = await resources.removeIDPAuthenticator({ id, idpId: ACME });
    assert.equal(removed.details.owner.id, ORGANISATION);
    await rejected(resources.removeIDPAuthenticator({ id, idpId: ACME }), Code.notFound, 'COMMAND-1M9xR');
  });
}
