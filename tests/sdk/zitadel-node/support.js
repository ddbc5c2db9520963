// What the tests share: the package as a running linkbridge is driven with it, with and without TLS, and the vendor's
// words.
//
// What the package sends is stated in the vendor reference, section 5.3: gRPC by grpc-js, the user service of v2beta,
// which can only add, and the management API v1 for the rest. As published it lacks @bufbuild/protobuf, which its
// users install themselves; its entry points are deep paths. Errors are read as its users read them: the code of a
// ClientError and its text, which ends with the id; the details of the vendor are in a trailer.

import assert from 'node:assert/strict';
import { createAccessTokenInterceptor, createManagementClient, createUserClient } from '@zitadel/node/dist/api/index.js';

const need = (name) => process.env[name] ?? assert.fail(`${name} is not set`);
export const url = need('LINKBRIDGE_URL');
export const http2Url = need('LINKBRIDGE_HTTP2_URL');
export const tlsUrl = need('LINKBRIDGE_TLS_URL');
export const key = need('LINKBRIDGE_KEY');
export const readerKey = need('LINKBRIDGE_READER_KEY');

export const ORGANISATION = '311700000000000009';
export const ACME = '311900000000000002';
export const GOOGLE = '311900000000000003';
export const NOBODY = '311800000000009999';

export const Code = { invalidArgument: 3, notFound: 5, alreadyExists: 6, permissionDenied: 7, failedPrecondition: 9, unauthenticated: 16 };

/** The clients of the package at an address, for which an interceptor brings the token. */
export const connect = (name, at, ...interceptors) => ({
  name,
  users: createUserClient(at, ...interceptors),
  management: createManagementClient(at, ...interceptors),
  as: (token) => connect(name, at, createAccessTokenInterceptor(token)),
});

export const drivers = [['h2c', http2Url], ['TLS', tlsUrl]].map(([name, at]) =>
  connect(name, at, createAccessTokenInterceptor(key)));

let count = 0;
export const account = () => `node-${process.pid}-${++count}`;

/** A new user of the directory, whom the vendor knows by the same id. */
export async function newUser() {
  const id = String(311800000000000000n + BigInt(process.pid) * 100000n + BigInt(++count));
  const answer = await fetch(`${url}/linkbridge/v1/users/${id}`, {
    method: 'PUT', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: '{}',
  });
  assert.equal(answer.status, 201, await answer.text());
  return id;
}

export const link = (userId, idpId = ACME, userName = 'rosa@ext.example') => ({ idpId, userId, userName });

export function assertNow(date) {
  assert.ok(date instanceof Date && Math.abs(date - Date.now()) < 60_000, String(date));
}

export function assertDetails({ sequence, changeDate, resourceOwner }) {
  assert.equal(resourceOwner, ORGANISATION);
  assert.ok(BigInt(sequence.toString()) > 0n);
  assertNow(changeDate);
}

/** The call, which takes options, must fail with this code; where an id is expected, with its text and its details. */
export async function rejected(call, code, id, text) {
  let trailer;
  let answer;
  try {
    answer = await call({ onTrailer: (metadata) => { trailer = metadata; } });
  } catch (error) {
    assert.equal(error.name, 'ClientError', String(error));
    assert.equal(error.code, code, error.message);
    const details = trailer?.get('grpc-status-details-bin');
    if (id === undefined) {
      assert.ok(!details?.includes('zitadel.v1.ErrorDetail'));
    } else {
      assert.equal(error.details, `${text} (${id})`);
      for (const part of ['type.googleapis.com/zitadel.v1.ErrorDetail', id, text]) {
        assert.ok(details.includes(part), part);
      }
    }
    return error;
  }
  return assert.fail(`answered with ${JSON.stringify(answer)}, expected code ${code}`);
}
