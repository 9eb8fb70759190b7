/**
 * What csi.json says of messages and methods, read once. Names are full, without a leading dot:
 * `csi.v1.VolumeCapability.AccessMode`.
 */
import descriptor from './generated/csi.json' with { type: 'json' };

type FieldKind = 'string' | 'number' | 'bool' | 'enum' | 'message' | 'map';

export interface FieldInfo {
  readonly name: string;
  /** A `map` is always from string to string in CSI. */
  readonly kind: FieldKind;
  readonly repeated: boolean;
  /** Marked csi_secret. */
  readonly secret: boolean;
  /** The full name of the message or enum. */
  readonly type?: string;
  /** The name of an enum's value 0, which is how "not sent" is decoded. */
  readonly zero?: string;
}

export interface MessageInfo {
  readonly name: string;
  readonly fields: readonly FieldInfo[];
  readonly oneofs: readonly string[];
}

export interface MethodInfo {
  /** Such as CreateVolume. */
  readonly name: string;
  /** Full names of messages. */
  readonly request: string;
  readonly response: string;
}

/** The parts of protobufjs's JSON that are read here. */
interface Declared {
  nested?: Record<string, Declared>;
  fields?: Record<
    string,
    { type: string; rule?: string; keyType?: string; options?: Record<string, unknown> }
  >;
  oneofs?: Record<string, unknown>;
  values?: Record<string, number>;
  methods?: Record<string, { requestType: string; responseType: string }>;
}

const declarations = new Map<string, Declared>();
const messages = new Map<string, MessageInfo>();
const methods = new Map<string, MethodInfo>();

collect(descriptor as Declared, '');
for (const [name, { methods: declared = {} }] of declarations) {
  for (const [method, { requestType, responseType }] of Object.entries(declared)) {
    methods.set(`/${name}/${method}`, {
      name: method,
      request: resolve(requestType, name),
      response: resolve(responseType, name),
    });
  }
}

/** The method with this path, such as `/csi.v1.Controller/CreateVolume`; undefined if CSI has none. */
export function methodInfo(path: string): MethodInfo | undefined {
  return methods.get(path);
}

/** The paths of all methods of all services. */
export function methodPaths(): string[] {
  return [...methods.keys()];
}

/** The message with this full name. Throws an Error if there is none. */
export function messageInfo(name: string): MessageInfo {
  const known = messages.get(name);
  if (known) return known;
  const declared = declarations.get(name);
  if (!declared?.fields) throw new Error(`csi.json has no message ${name}`);
  const info: MessageInfo = {
    name,
    fields: Object.keys(declared.fields).map((field) => fieldInfo(name, declared, field)),
    oneofs: Object.keys(declared.oneofs ?? {}),
  };
  messages.set(name, info);
  return info;
}

function collect(parent: Declared, prefix: string): void {
  for (const [name, child] of Object.entries(parent.nested ?? {})) {
    const full = prefix === '' ? name : `${prefix}.${name}`;
    declarations.set(full, child);
    collect(child, full);
  }
}

function fieldInfo(message: string, declared: Declared, name: string): FieldInfo {
  const field = declared.fields?.[name];
  if (!field) throw new Error(`csi.json has no field ${message}.${name}`);
  const common = {
    name,
    repeated: field.rule === 'repeated',
    secret: field.options?.['(csi_secret)'] === true,
  };
  if (field.keyType !== undefined) {
    if (field.keyType !== 'string' || field.type !== 'string') {
      throw new Error(`${message}.${name}: a map that is not from string to string is not supported`);
    }
    return { ...common, kind: 'map' };
  }
  if (field.type === 'string' || field.type === 'bool') return { ...common, kind: field.type };
  if (field.type === 'int32' || field.type === 'int64') return { ...common, kind: 'number' };
  const type = resolve(field.type, message);
  const values = declarations.get(type)?.values;
  if (!values) return { ...common, kind: 'message', type };
  const zero = Object.keys(values).find((value) => values[value] === 0);
  return { ...common, kind: 'enum', type, ...(zero === undefined ? {} : { zero }) };
}

/** A name as protobuf scopes it: looked for in the message itself, then in each one around it. */
function resolve(name: string, scope: string): string {
  for (let around = scope; ; around = around.slice(0, Math.max(around.lastIndexOf('.'), 0))) {
    const full = around === '' ? name : `${around}.${name}`;
    if (declarations.has(full)) return full;
    if (around === '') throw new Error(`csi.json does not declare ${name}, which ${scope} uses`);
  }
}
