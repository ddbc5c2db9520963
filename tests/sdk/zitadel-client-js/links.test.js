// Links that are added, listed and removed, by every transport of the package.

import test from 'node:test';
import assert from 'node:assert/strict';
import {
  ACME, Code, GOOGLE, NOBODY, account, assertDetails, assertNow, drivers, link, newUser, plain, rejected,
} from './support.js';

for (const { name, users, idps } of drivers) {
  test(`${name}: a link is added, listed and removed`, async () => {
    const [userId, at] = [await newUser(), account()];
    assertDetails((await users.addIDPLink({ userId, idpLink: link(at) })).details);
    const listed = await users.listIDPLinks({ userId });
    assert.deepEqual(plain(listed.result), [link(at)]);
    assert.equal(listed.details.totalResult, 1n);
    assertNow(listed.details.timestamp);
    const removed = await users.removeIDPLink({ userId, idpId: ACME, linkedUserId: at });
    assertDetails(removed.details);
    const empty = await users.listIDPLinks({ userId });
    assert.deepEqual([empty.result, empty.details.totalResult], [[], 0n]);
    await rejected(users.removeIDPLink({ userId, idpId: ACME, linkedUserId: at }), Code.notFound, 'COMMAND-1M9xR');
  });

  test(`${name}: the sequence of a user grows`, async () => {
    const userId = await newUser();
    const sequences = [];
    for (let n = 0; n < 3; n += 1) {
      sequences.push((await users.addIDPLink({ userId, idpLink: link(account()) })).details.sequence);
    }
    assert.ok(sequences[0] < sequences[1] && sequences[1] < sequences[2], String(sequences));
  });

  test(`${name}: an account has one holder, in any case of letters`, async () => {
    const [userId, other, at] = [await newUser(), await newUser(), account()];
    await users.addIDPLink({ userId, idpLink: link(at) });
    for (const [who, as] of [[userId, at], [other, at], [other, at.toUpperCase()]]) {
      await rejected(users.addIDPLink({ userId: who, idpLink: link(as) }), Code.alreadyExists, 'V3-DKcYh');
    }
    // At another provider the same text is another account.
    assertDetails((await users.addIDPLink({ userId: other, idpLink: link(at, GOOGLE) })).details);
    assert.deepEqual(plain((await users.listIDPLinks({ userId })).result), [link(at)]);
    assert.deepEqual(plain((await users.listIDPLinks({ userId: other })).result), [link(at, GOOGLE)]);
    // Removal goes by exact texts.
    const wrongCase = { userId, idpId: ACME, linkedUserId: at.toUpperCase() };
    await rejected(users.removeIDPLink(wrongCase), Code.notFound, 'COMMAND-1M9xR');
  });

  test(`${name}: what is not there`, async () => {
    const [userId, at] = [await newUser(), account()];
    const { failedPrecondition, notFound } = Code;
    await rejected(users.addIDPLink({ userId: NOBODY, idpLink: link(at) }), failedPrecondition, 'COMMAND-vzktar7b7f');
    await rejected(users.addIDPLink({ userId, idpLink: link(at, '1') }), failedPrecondition, 'COMMAND-39nf2');
    await rejected(users.addIDPLink({ userId }), failedPrecondition, 'COMMAND-39nf2');
    for (const [who, idpId] of [[NOBODY, ACME], [userId, '1'], [userId, ACME]]) {
      await rejected(users.removeIDPLink({ userId: who, idpId, linkedUserId: at }), notFound, 'COMMAND-1M9xR');
    }
    const none = await users.listIDPLinks({ userId: NOBODY });
    assert.deepEqual([none.result, none.details.totalResult], [[], 0n]);
  });

  test(`${name}: lengths are counted in characters`, async () => {
    const userId = await newUser();
    const field = 'value length must be between 1 and 200 runes, inclusive';
    const nested = (of) =>
      `invalid AddIDPLinkRequest.IdpLink: embedded message failed validation | caused by: invalid IDPLink.${of}: ${field}`;
    for (const [request, message] of [
      [{ userId: '', idpLink: link('a') }, `invalid AddIDPLinkRequest.UserId: ${field}`],
      [{ userId: 'x'.repeat(201), idpLink: link('a') }, `invalid AddIDPLinkRequest.UserId: ${field}`],
      [{ userId, idpLink: link('a', ACME, '') }, nested('UserName')],
      [{ userId, idpLink: link('a', ACME, 'ä'.repeat(201)) }, nested('UserName')],
      [{ userId, idpLink: link('') }, nested('UserId')],
      [{ userId, idpLink: link('a', '') }, nested('IdpId')],
    ]) {
      const { rawMessage } = await rejected(users.addIDPLink(request), Code.invalidArgument);
      assert.equal(rawMessage, message);
    }
    const subject = [...`${account()} ${'\u{1f600}'.repeat(200)}`].slice(0, 200).join('');
    const names = 'é'.repeat(200);
    await users.addIDPLink({ userId, idpLink: link(subject, ACME, names) });
    assert.deepEqual(plain((await users.listIDPLinks({ userId })).result), [link(subject, ACME, names)]);
  });

  test(`${name}: every character of an account comes back`, async () => {
    const userId = await newUser();
    for (const of of ['https://sts.example/7', 'auth0|5f7c', "a b+c/ü&='()!*~#?%", '100%25', '\u{1f600}', '"q" \\']) {
      const at = `${account()} ${of}`;
      await users.addIDPLink({ userId, idpLink: link(at, ACME, of) });
      assert.deepEqual(plain((await users.listIDPLinks({ userId })).result), [link(at, ACME, of)]);
      await users.removeIDPLink({ userId, idpId: ACME, linkedUserId: at });
    }
  });

  test(`${name}: pages`, async () => {
    const userId = await newUser();
    const all = [account(), account(), account(), account(), account()];
    for (const at of all) await users.addIDPLink({ userId, idpLink: link(at) });
    const page = async (query) => {
      const { result, details } = await users.listIDPLinks({ userId, query });
      assert.equal(details.totalResult, 5n);
      return result.map((one) => one.userId);
    };
    assert.deepEqual(await page({ limit: 2, asc: true }), all.slice(0, 2));
    assert.deepEqual(await page({ offset: 2n, limit: 2 }), all.slice(2, 4));
    assert.deepEqual(await page({ offset: 4n }), all.slice(4));
    assert.deepEqual(await page({ offset: 9n }), []);
    assert.deepEqual(await page({ limit: 0 }), all);
    await rejected(users.listIDPLinks({ userId, query: { limit: 1001 } }), Code.invalidArgument, 'QUERY-4M0fs');
  });

  test(`${name}: many at once, and one winner`, async () => {
    const [userId, contested] = [await newUser(), account()];
    const all = Array.from({ length: 40 }, account);
    await Promise.all(all.map((at) => users.addIDPLink({ userId, idpLink: link(at) })));
    const { result } = await users.listIDPLinks({ userId });
    assert.deepEqual(result.map((one) => one.userId).sort(), all.sort());
    const tries = Array.from({ length: 20 }, () => users.addIDPLink({ userId, idpLink: link(contested) }));
    const done = await Promise.allSettled(tries);
    assert.equal(done.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const { reason } of done.filter(({ status }) => status === 'rejected')) assert.equal(reason.code, Code.alreadyExists);
  });

  test(`${name}: a user and a provider`, async () => {
    const userId = await newUser();
    const { user } = await users.getUserByID({ userId });
    assert.equal(user.userId, userId);
    assert.equal(user.details.resourceOwner, '311700000000000009');
    // 1 = USER_STATE_ACTIVE; 1 = IDP_STATE_ACTIVE, 1 = IDP_TYPE_OIDC and 10 = IDP_TYPE_GOOGLE, as the descriptors have them.
    assert.equal(user.state, 1);
    for (const [id, named, type] of [[ACME, 'Acme OIDC', 1], [GOOGLE, 'Google', 10]]) {
      const { idp } = await idps.getIDPByID({ id });
      assert.deepEqual([idp.id, idp.name, idp.state, idp.type], [id, named, 1, type]);
      assert.equal(idp.config.options.isLinkingAllowed, true);
    }
    await rejected(users.listUsers({}), Code.unimplemented);
  });
}
