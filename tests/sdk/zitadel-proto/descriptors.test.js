// Every message, enum and service of mappings/*.proto against the vendor's own descriptors, as its SDK ships them. A
// field that we leave out is fine; one that is not the vendor's is not: its number or type would be read as another.
import test from 'node:test';
import assert from 'node:assert/strict';
import { theirs } from './theirs.js';
import { ours } from './ours.js';

// Of the seed page and the sources alone: no server has ever carried it out, and no SDK of today has it.
const NOT_SHIPPED = ['zitadel.user.v3alpha'];

const ourOwn = ours();
const vendors = await theirs();

const isShipped = (name) => !NOT_SHIPPED.some((prefix) => name.startsWith(`${prefix}.`));

function compare(kind, check) {
  for (const [name, own] of Object.entries(ourOwn[kind])) {
    test(`${kind} ${name}`, { skip: !isShipped(name) && 'the SDK does not have it' }, () => {
      const vendor = vendors[kind](name);
      assert.ok(vendor, `the vendor has no ${name}`);
      check(own, vendor);
    });
  }
}

// Name, number, type, whether it is a list, and what it excludes.
compare('messages', (own, vendor) => {
  for (const [field, wanted] of Object.entries(own)) {
    assert.deepEqual(wanted, vendor[field], `field ${field}`);
  }
});

compare('enums', (own, vendor) => assert.deepEqual(own, vendor));

// Name, request and answer.
compare('services', (own, vendor) => {
  for (const [method, wanted] of Object.entries(own)) {
    assert.deepEqual(wanted, vendor[method], `method ${method}`);
  }
});

test('there is something to compare', () => {
  for (const kind of ['messages', 'enums', 'services']) {
    assert.ok(Object.keys(ourOwn[kind]).filter(isShipped).length > 1, kind);
  }
});

test('what is not shipped is not', () => {
  for (const kind of ['messages', 'enums', 'services']) {
    for (const name of Object.keys(ourOwn[kind]).filter((known) => !isShipped(known))) {
      assert.equal(vendors[kind](name), undefined, name);
    }
  }
});
