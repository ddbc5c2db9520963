// Our files, read by a parser that is not ours. LINKBRIDGE_MAPPINGS is their folder.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';

const folder = process.env.LINKBRIDGE_MAPPINGS;

// A full name without the point that it begins with.
const bare = (object) => object.fullName.replace(/^\./, '');

function field(own) {
  own.resolve();
  return {
    number: own.id,
    type: own.map ? 'map' : own.resolvedType ? bare(own.resolvedType) : own.type,
    list: own.repeated,
    oneof: own.partOf && !own.options?.proto3_optional ? own.partOf.name : undefined,
    json: own.options?.json_name ?? own.name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()),
  };
}

function gather(object, found) {
  if (object instanceof protobuf.Type) {
    found.messages[bare(object)] = Object.fromEntries(object.fieldsArray.map((own) => [own.name, field(own)]));
  } else if (object instanceof protobuf.Enum) {
    found.enums[bare(object)] = { ...object.values };
  } else if (object instanceof protobuf.Service) {
    const method = (own) => [own.name, {
      input: bare(own.resolvedRequestType),
      output: bare(own.resolvedResponseType),
      streams: Boolean(own.requestStream || own.responseStream),
    }];
    found.services[bare(object)] = Object.fromEntries(object.methodsArray.map((own) => method(own.resolve())));
  }
  for (const nested of object.nestedArray ?? []) {
    gather(nested, found);
  }
}

export function ours() {
  const root = new protobuf.Root();
  // Imports name files of the folder, or those of Google, which the parser has.
  root.resolvePath = (_, target) => (target.startsWith('google/') ? target : join(folder, target));
  const files = readdirSync(folder).filter((name) => name.endsWith('.proto'));
  root.loadSync(files, { keepCase: true }).resolveAll();
  const found = { messages: {}, enums: {}, services: {} };
  gather(root.lookup('zitadel'), found);
  return found;
}
