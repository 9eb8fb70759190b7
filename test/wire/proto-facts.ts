import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import type { Facts } from './official-facts.ts';

/** What a .proto file says, in the words of official-facts.ts. */
export function factsOfProto(path: string, packageName: string): Facts {
  const text = readFileSync(path, 'utf8');
  const { root, imports = [] } = protobuf.parse(text, { keepCase: true });
  // Only types are resolved below; the file with the options' own declarations is not among the common ones.
  for (const file of imports) {
    const common = protobuf.common.get(file);
    if (common?.nested) root.addJSON(common.nested);
  }
  const facts: Facts = new Map([['syntax', /^syntax = "(\w+)";$/m.exec(text)?.[1] ?? 'none']]);
  visit(facts, root.lookup(packageName) as protobuf.Namespace);
  return facts;
}

function visit(facts: Facts, parent: protobuf.NamespaceBase): void {
  for (const child of parent.nestedArray) {
    if (child instanceof protobuf.Type) {
      addMessage(facts, child);
      visit(facts, child);
    } else if (child instanceof protobuf.Enum) {
      addEnum(facts, child);
    } else if (child instanceof protobuf.Service) {
      addService(facts, child);
    } else if (child instanceof protobuf.Field) {
      facts.set(`option ${child.fullName}`, `${child.id} ${child.type} of .${child.extend}`);
    }
  }
}

function addMessage(facts: Facts, type: protobuf.Type): void {
  facts.set(`message ${type.fullName}`, optionsOf(type));
  addReserved(facts, type);
  for (const field of type.fieldsArray) {
    field.resolve();
    const oneof = field.partOf ? ` oneof ${field.partOf.name}` : '';
    facts.set(`field ${field.fullName}`, `${field.id} ${typeOf(field)}${oneof} ${optionsOf(field)}`);
  }
}

function addEnum(facts: Facts, declared: protobuf.Enum): void {
  facts.set(`enum ${declared.fullName}`, optionsOf(declared));
  addReserved(facts, declared);
  for (const [name, number] of Object.entries(declared.values)) {
    facts.set(
      `enum value ${declared.fullName}.${name}`,
      `${number} ${optionsOf({ options: declared.valuesOptions?.[name] })}`,
    );
  }
}

function addService(facts: Facts, service: protobuf.Service): void {
  facts.set(`service ${service.fullName}`, optionsOf(service));
  for (const method of service.methodsArray) {
    method.resolve();
    const request = `${method.requestStream ? 'stream ' : ''}${method.resolvedRequestType?.fullName}`;
    const response = `${method.responseStream ? 'stream ' : ''}${method.resolvedResponseType?.fullName}`;
    facts.set(`method ${method.fullName}`, `${request} -> ${response} ${optionsOf(method)}`);
  }
}

function addReserved(facts: Facts, { fullName, reserved = [] }: protobuf.Type | protobuf.Enum): void {
  const all = reserved.map((entry) => (typeof entry === 'string' ? entry : `${entry[0]}-${entry[1]}`));
  if (all.length > 0) facts.set(`reserved ${fullName}`, all.sort().join(' '));
}

function typeOf(field: protobuf.Field): string {
  const type = field.resolvedType?.fullName ?? field.type;
  if (field instanceof protobuf.MapField) return `map ${field.keyType} ${type}`;
  if (field.options?.proto3_optional === true) return `optional ${type}`;
  return field.repeated ? `repeated ${type}` : type;
}

/** Custom options only, by short name: `(csi_secret)` becomes `csi_secret=true`. */
function optionsOf({ options }: { options?: Record<string, unknown> | null | undefined }): string {
  const names = Object.entries(options ?? {})
    .filter(([name]) => name.startsWith('('))
    .map(([name, value]) => `${name.slice(1, -1)}=${value}`);
  return `[${names.sort().join(' ')}]`;
}
