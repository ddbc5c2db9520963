// The descriptors of the vendor's SDK: all of its files.
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createRegistry, ScalarType } from '@bufbuild/protobuf';

const scalar = (type) => ScalarType[type].toLowerCase();

function field(vendor) {
  const value = () => vendor.message?.typeName ?? vendor.enum?.typeName ?? scalar(vendor.scalar);
  return {
    number: vendor.number,
    type: vendor.fieldKind === 'map' ? 'map' : value(),
    list: vendor.fieldKind === 'list',
    oneof: vendor.oneof?.name,
    json: vendor.jsonName,
  };
}

export async function theirs() {
  const one = fileURLToPath(import.meta.resolve('@zitadel/proto/zitadel/user_pb'));
  const folder = dirname(one);
  const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('_pb.js'));
  const modules = await Promise.all(files.map((name) => import(pathToFileURL(join(folder, name)))));
  const all = modules.flatMap((module) => Object.values(module)).filter((value) => value?.kind === 'file');
  const registry = createRegistry(...all);
  return {
    messages: (name) => {
      const message = registry.getMessage(name);
      return message && Object.fromEntries(message.fields.map((vendor) => [vendor.name, field(vendor)]));
    },
    enums: (name) => {
      const values = registry.getEnum(name)?.values;
      return values && Object.fromEntries(values.map((value) => [value.name, value.number]));
    },
    services: (name) => {
      const methods = registry.getService(name)?.methods.map((vendor) => [vendor.name, {
        input: vendor.input.typeName,
        output: vendor.output.typeName,
        streams: vendor.methodKind !== 'unary',
      }]);
      return methods && Object.fromEntries(methods);
    },
  };
}
