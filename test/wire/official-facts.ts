/** The official descriptor, as protojson prints a FileDescriptorProto; only what CSI uses of it. */
export interface OfficialFile {
  package: string;
  syntax: string;
  messageType?: OfficialMessage[];
  enumType?: OfficialEnum[];
  service?: OfficialService[];
  extension?: OfficialField[];
}

type Options = Record<string, unknown>;

interface OfficialMessage {
  name: string;
  field?: OfficialField[];
  nestedType?: OfficialMessage[];
  enumType?: OfficialEnum[];
  oneofDecl?: { name: string }[];
  /** The end is exclusive. */
  reservedRange?: { start: number; end: number }[];
  reservedName?: string[];
  options?: Options;
}

interface OfficialField {
  name: string;
  number: number;
  label: string;
  type: string;
  typeName?: string;
  extendee?: string;
  oneofIndex?: number;
  proto3Optional?: boolean;
  options?: Options;
}

interface OfficialEnum {
  name: string;
  value: { name: string; number?: number; options?: Options }[];
  /** The end is inclusive, unlike a message's. */
  reservedRange?: { start: number; end: number }[];
  reservedName?: string[];
  options?: Options;
}

interface OfficialService {
  name: string;
  method: {
    name: string;
    inputType: string;
    outputType: string;
    clientStreaming?: boolean;
    serverStreaming?: boolean;
    options?: Options;
  }[];
  options?: Options;
}

export type Facts = Map<string, string>;

export function factsOfOfficial(file: OfficialFile): Facts {
  const facts: Facts = new Map([['syntax', file.syntax]]);
  const scope = `.${file.package}`;
  for (const message of file.messageType ?? []) addMessage(facts, scope, message);
  for (const declared of file.enumType ?? []) addEnum(facts, scope, declared);
  for (const extension of file.extension ?? []) {
    facts.set(
      `option ${scope}.${extension.name}`,
      `${extension.number} ${typeOf(extension)} of ${extension.extendee}`,
    );
  }
  for (const service of file.service ?? []) {
    const name = `${scope}.${service.name}`;
    facts.set(`service ${name}`, optionsOf(service.options));
    for (const method of service.method) {
      const request = `${method.clientStreaming ? 'stream ' : ''}${method.inputType}`;
      const response = `${method.serverStreaming ? 'stream ' : ''}${method.outputType}`;
      facts.set(`method ${name}.${method.name}`, `${request} -> ${response} ${optionsOf(method.options)}`);
    }
  }
  return facts;
}

function addMessage(facts: Facts, scope: string, message: OfficialMessage): void {
  const name = `${scope}.${message.name}`;
  facts.set(`message ${name}`, optionsOf(message.options));
  const ranges = (message.reservedRange ?? []).map(({ start, end }) => `${start}-${end - 1}`);
  addReserved(facts, name, ranges, message.reservedName);
  const entries = new Map<string, OfficialMessage>();
  for (const nested of message.nestedType ?? []) {
    if (nested.options?.mapEntry === true) entries.set(`${name}.${nested.name}`, nested);
    else addMessage(facts, name, nested);
  }
  for (const declared of message.enumType ?? []) addEnum(facts, name, declared);
  for (const field of message.field ?? []) {
    const entry = entries.get(field.typeName ?? '');
    const type = entry ? mapOf(entry) : `${labelOf(field)}${typeOf(field)}`;
    const oneof =
      field.oneofIndex === undefined ? '' : ` oneof ${message.oneofDecl?.[field.oneofIndex]?.name}`;
    facts.set(`field ${name}.${field.name}`, `${field.number} ${type}${oneof} ${optionsOf(field.options)}`);
  }
}

function addEnum(facts: Facts, scope: string, declared: OfficialEnum): void {
  const name = `${scope}.${declared.name}`;
  facts.set(`enum ${name}`, optionsOf(declared.options));
  const ranges = (declared.reservedRange ?? []).map(({ start, end }) => `${start}-${end}`);
  addReserved(facts, name, ranges, declared.reservedName);
  for (const value of declared.value) {
    facts.set(`enum value ${name}.${value.name}`, `${value.number ?? 0} ${optionsOf(value.options)}`);
  }
}

function addReserved(facts: Facts, name: string, ranges: string[], names: string[] = []): void {
  if (ranges.length + names.length > 0) facts.set(`reserved ${name}`, [...ranges, ...names].sort().join(' '));
}

function mapOf(entry: OfficialMessage): string {
  const [key, value] = entry.field ?? [];
  if (!key || !value) throw new Error(`${entry.name} is not a map entry`);
  return `map ${typeOf(key)} ${typeOf(value)}`;
}

function labelOf(field: OfficialField): string {
  if (field.proto3Optional) return 'optional ';
  return field.label === 'LABEL_REPEATED' ? 'repeated ' : '';
}

/** Names of scalars as they are written in a .proto file; full names of messages and enums. */
function typeOf(field: OfficialField): string {
  return field.typeName ?? field.type.replace('TYPE_', '').toLowerCase();
}

/** Custom options only, by short name: `[csi.v1.csi_secret]` becomes `csi_secret=true`. */
function optionsOf(options: Options = {}): string {
  const names = Object.entries(options)
    .filter(([name]) => name.startsWith('['))
    .map(([name, value]) => `${name.slice(name.lastIndexOf('.') + 1, -1)}=${value}`);
  return `[${names.sort().join(' ')}]`;
}
