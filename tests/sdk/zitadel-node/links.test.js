// Links that are added by v2beta, and listed and removed by the management API v1; what is refused, and to whom.

import test from 'node:test';
import assert from 'node:assert/strict';
import {
  ACME, Code, GOOGLE, NOBODY, ORGANISATION, account, assertDetails, assertNow, drivers, key, link, newUser, readerKey, rejected,
} from './support.js';

const name = 'rosa@ext.example';
const NOT_FOUND = ['COMMAND-1M9xR', 'External IDP not found'];
const TAKEN = ['V3-DKcYh', 'External IDP already taken'];

for (const { name: over, users, management, as } of drivers) {
  const listed = async (userId, query) => (await management.listHumanLinkedIDPs({ userId, query })).result.map((one) => one.providedUserId);

  test(`${over}: a link is added, listed and removed`, async () => {
    const [userId, at, google] = [await newUser(), account(), account()];
    assertDetails((await users.addIDPLink({ userId, idpLink: link(at) })).details);
    assertDetails((await users.addIDPLink({ userId, idpLink: link(google, GOOGLE) })).details);
    const { result, details } = await management.listHumanLinkedIDPs({ userId });
    assert.equal(details.totalResult.toString(), '2');
    assertNow(details.viewTimestamp);
    // 1 = IDP_TYPE_OIDC; the enum has no word for Google.
    assert.deepEqual(result, [
      { userId, idpId: ACME, idpName: 'Acme OIDC', providedUserId: at, providedUserName: name, idpType: 1 },
      { userId, idpId: GOOGLE, idpName: 'Google', providedUserId: google, providedUserName: name, idpType: 0 },
    ]);
    const remove = { userId, idpId: ACME, linkedUserId: at };
    assertDetails((await management.removeHumanLinkedIDP(remove)).details);
    assert.deepEqual(await listed(userId), [google]);
    await rejected((options) => management.removeHumanLinkedIDP(remove, options), Code.notFound, ...NOT_FOUND);
  });

  test(`${over}: an account has one holder, in any case of letters`, async () => {
    const [userId, other, at] = [await newUser(), await newUser(), account()];
    await users.addIDPLink({ userId, idpLink: link(at) });
    for (const [who, as] of [[userId, at], [other, at], [other, at.toUpperCase()]]) {
      const add = { userId: who, idpLink: link(as) };
      await rejected((options) => users.addIDPLink(add, options), Code.alreadyExists, ...TAKEN);
    }
    assert.deepEqual(await listed(userId), [at]);
    assert.deepEqual(await listed(other), []);
  });

  test(`${over}: what is not there, and what is no link`, async () => {
    const [userId, at] = [await newUser(), account()];
    const add = (request) => (options) => users.addIDPLink(request, options);
    const remove = (request) => (options) => management.removeHumanLinkedIDP(request, options);
    await rejected(add({ userId: NOBODY, idpLink: link(at) }), Code.failedPrecondition, 'COMMAND-vzktar7b7f', 'User could not be found');
    const noProvider = ['COMMAND-39nf2', "Identity Provider Configuration doesn't exist"];
    await rejected(add({ userId, idpLink: link(at, '1') }), Code.failedPrecondition, ...noProvider);
    await rejected(add({ userId }), Code.failedPrecondition, ...noProvider);
    await rejected(remove({ userId: NOBODY, idpId: ACME, linkedUserId: at }), Code.notFound, ...NOT_FOUND);
    assert.deepEqual(await listed(NOBODY), []);
    const error = await rejected(add({ userId, idpLink: link(at, ACME, '') }), Code.invalidArgument);
    assert.equal(error.details, 'invalid AddIDPLinkRequest.IdpLink: embedded message failed validation | caused by: '
      + 'invalid IDPLink.UserName: value length must be between 1 and 200 runes, inclusive');
  });

  test(`${over}: every character comes back, in texts of errors too`, async () => {
    const userId = await newUser();
    for (const of of ['https://sts.example/7', "a b+c/ü&='()!*~#?%", '100%25', '\u{1f600}', '"q" \\']) {
      const at = `${account()} ${of}`;
      await users.addIDPLink({ userId, idpLink: link(at, ACME, of) });
      assert.deepEqual(await listed(userId), [at]);
      await management.removeHumanLinkedIDP({ userId, idpId: ACME, linkedUserId: at });
    }
  });

  test(`${over}: pages`, async () => {
    const userId = await newUser();
    const all = [account(), account(), account()];
    for (const at of all) await users.addIDPLink({ userId, idpLink: link(at) });
    assert.deepEqual(await listed(userId, { limit: 2 }), all.slice(0, 2));
    assert.deepEqual(await listed(userId, { offset: 2, limit: 2, asc: true }), all.slice(2));
    const far = { userId, query: { limit: 1001 } };
    await rejected((options) => management.listHumanLinkedIDPs(far, options), Code.invalidArgument, 'QUERY-4M0fs', 'Limit exceeded');
  });

  test(`${over}: tokens`, async () => {
    const [userId, at] = [await newUser(), account()];
    await users.addIDPLink({ userId, idpLink: link(at) });
    for (const token of ['wrong', `${key}x`]) {
      const stranger = as(token);
      for (const call of [
        (options) => stranger.users.addIDPLink({}, options),
        (options) => stranger.management.listHumanLinkedIDPs({ userId }, options),
      ]) {
        await rejected(call, Code.unauthenticated, 'AUTH-7fs1e', 'Token is invalid');
      }
    }
    const reader = as(readerKey);
    assert.equal((await reader.management.listHumanLinkedIDPs({ userId })).result.length, 1);
    const denied = 'No matching permissions found';
    const add = { userId, idpLink: link(account()) };
    await rejected((options) => reader.users.addIDPLink(add, options), Code.permissionDenied, 'AUTH-AWfge', denied);
    const remove = { userId, idpId: ACME, linkedUserId: at };
    await rejected((options) => reader.management.removeHumanLinkedIDP(remove, options), Code.permissionDenied, 'AUTH-5mWD2', denied);
    assert.deepEqual(await listed(userId), [at]);
  });

  test(`${over}: many at once`, async () => {
    const userId = await newUser();
    const all = Array.from({ length: 60 }, account);
    await Promise.all(all.map((at) => users.addIDPLink({ userId, idpLink: link(at) })));
    assert.deepEqual((await listed(userId)).sort(), all.sort());
  });

  test(`${over}: health, and the organisation of an answer`, async () => {
    await management.healthz({});
    const userId = await newUser();
    const { details } = await users.addIDPLink({ userId, idpLink: link(account()) });
    assert.equal(details.resourceOwner, ORGANISATION);
  });
}
