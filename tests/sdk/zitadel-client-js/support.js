// What the tests share: the package as a running linkbridge is driven with it, over each of its transports, and the
// vendor's words.
//
// What the package sends is stated in the vendor reference, section 5.3, what each call must answer in sections 2 to
// 4 and 9. Errors are read as the vendor's users read them: the code of a ConnectError, and `findDetails`.

import assert from 'node:assert/strict';
import { createServerTransport } from '@zitadel/client/node';
import { createClientTransport } from '@zitadel/client/web';
import * as v1 from '@zitadel/client/v1';
import * as v2 from '@zitadel/client/v2';
import * as v3alpha from '@zitadel/client/v3alpha';
import { ErrorDetailSchema } from '@zitadel/proto/zitadel/message_pb.js';

const need = (name) => process.env[name] ?? assert.fail(`${name} is not set`);
const url = need('LINKBRIDGE_URL');
const http2Url = need('LINKBRIDGE_HTTP2_URL');
const tlsUrl = need('LINKBRIDGE_TLS_URL');
export const key = need('LINKBRIDGE_KEY');
export const readerKey = need('LINKBRIDGE_READER_KEY');

export const ORGANISATION = '311700000000000009';
export const ACME = '311900000000000002';
export const GOOGLE = '311900000000000003';
export const NOBODY = '311800000000009999';

// The codes of gRPC that are told here.
export const Code = {
  invalidArgument: 3, notFound: 5, alreadyExists: 6, permissionDenied: 7, failedPrecondition: 9, unimplemented: 12,
  unauthenticated: 16,
};

// Ids of errors and their English texts, as section 4.3 has them.
const TEXTS = {
  'AUTH-7fs1e': 'Token is invalid',
  'AUTH-Bs7Ds': "Organisation doesn't exist",
  'AUTH-AWfge': 'No matching permissions found',
  'AUTH-5mWD2': 'No matching permissions found',
  'COMMAND-vzktar7b7f': 'User could not be found',
  'COMMAND-39nf2': "Identity Provider Configuration doesn't exist",
  'V3-DKcYh': 'External IDP already taken',
  'COMMAND-1M9xR': 'External IDP not found',
  'QUERY-4M0fs': 'Limit exceeded',
};

/** The clients of a transport. */
function clients(name, transport) {
  return {
    name,
    users: v2.createUserServiceClient(transport),
    idps: v2.createIdpServiceClient(transport),
    management: v1.createManagementServiceClient(transport),
    resources: v3alpha.createUserServiceClient(transport),
  };
}

// What the package calls a server transport is gRPC over HTTP/2, and its client transport is gRPC-Web by fetch.
const TRANSPORTS = [
  ['gRPC over h2c', (token) => createServerTransport(token, { baseUrl: http2Url })],
  ['gRPC over TLS', (token) => createServerTransport(token, { baseUrl: tlsUrl })],
  ['gRPC-Web', (token) => createClientTransport(token, { baseUrl: url })],
  ['gRPC-Web over TLS', (token) => createClientTransport(token, { baseUrl: tlsUrl })],
];

export const drivers = TRANSPORTS.map(([name, connect]) => ({
  ...clients(name, connect(key)),
  as: (token) => clients(name, connect(token)),
}));

// Users and accounts of their own for each test, so that tests do not see each other's links.
let count = 0;
export const account = () => `ext-${process.pid}-${++count}`;

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

/** Links as plain objects, without what the package's messages are made of. */
export const plain = (links) => links.map(({ idpId, userId, userName }) => ({ idpId, userId, userName }));

/** What is told of a change: the organisation, a number, and an instant that is about now. */
export function assertDetails(details, resourceOwner = ORGANISATION) {
  assert.equal(details.resourceOwner, resourceOwner);
  assert.equal(typeof details.sequence, 'bigint');
  assert.ok(details.sequence > 0n);
  assertNow(details.changeDate);
}

export function assertNow({ seconds, nanos }) {
  const millis = Number(seconds) * 1000 + nanos / 1e6;
  assert.ok(Math.abs(millis - Date.now()) < 60_000, `${seconds}.${nanos}`);
}

/** The call must fail with this code; where an id is expected, with the one detail that has it. */
export async function rejected(call, code, id) {
  let answer;
  try {
    answer = await call;
  } catch (error) {
    assert.equal(error.name, 'ConnectError', String(error));
    assert.equal(error.code, code, error.message);
    const details = error.findDetails(ErrorDetailSchema).map(({ id: of, message }) => ({ id: of, message }));
    if (id === undefined) {
      assert.deepEqual(details, []);
    } else {
      assert.deepEqual(details, [{ id, message: TEXTS[id] }]);
      assert.equal(error.rawMessage, `${TEXTS[id]} (${id})`);
    }
    return error;
  }
  return assert.fail(`answered with ${JSON.stringify(answer)}, expected code ${code}`);
}
