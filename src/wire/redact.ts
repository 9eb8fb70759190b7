import { type FieldInfo, messageInfo, methodInfo } from './descriptor.ts';

const stripped = '***stripped***';

/** Not marked csi_secret, but the specification says that they may hold credentials: no log has them. */
const alsoSecret: ReadonlySet<string> = new Set(['csi.v1.VolumeCapability.MountVolume.mount_flags']);

type Redactor = (value: object) => object;

/** By message; null where nothing below can be secret. */
const redactors = new Map<string, Redactor | null>();

/**
 * A copy fit for a log: the values of secret fields, at any depth, are replaced and the keys of secret maps stay.
 * A message that cannot hold a secret is returned as it is.
 * @param messageName full, as MethodInfo has it: `csi.v1.CreateVolumeRequest`
 * @param value decoded or partial
 */
export function redact<Message extends object>(messageName: string, value: Message): Message {
  const redactor = redactorOf(messageName);
  return redactor ? (redactor(value) as Message) : value;
}

/**
 * The same by method, such as `/csi.v1.Controller/CreateVolume`. Of a request of another method nothing is known,
 * so nothing of it is returned.
 */
export function redactRequest(methodPath: string, request: object): object {
  const method = methodInfo(methodPath);
  return method ? redact(method.request, request) : {};
}

function redactorOf(messageName: string): Redactor | null {
  let redactor = redactors.get(messageName);
  if (redactor === undefined) {
    redactor = compile(messageName);
    redactors.set(messageName, redactor);
  }
  return redactor;
}

function compile(messageName: string): Redactor | null {
  const byField = new Map<string, (value: unknown) => unknown>();
  for (const field of messageInfo(messageName).fields) {
    const replace = replacement(messageName, field);
    if (replace) byField.set(field.name, replace);
  }
  if (byField.size === 0) return null;
  return (message) => {
    const copy: Record<string, unknown> = { ...message };
    for (const [name, replace] of byField) {
      const value = copy[name];
      if (value !== undefined && value !== null) copy[name] = replace(value);
    }
    return copy;
  };
}

/** What to do with a field's value; undefined: leave it. CSI has no recursive messages, so this ends. */
function replacement(messageName: string, field: FieldInfo): ((value: unknown) => unknown) | undefined {
  if (field.secret || alsoSecret.has(`${messageName}.${field.name}`)) return strip;
  if (field.kind !== 'message' || field.type === undefined) return undefined;
  const inner = redactorOf(field.type);
  if (!inner) return undefined;
  const one = (value: unknown): unknown =>
    typeof value === 'object' && value !== null ? inner(value) : value;
  return field.repeated ? (value) => (Array.isArray(value) ? value.map(one) : value) : one;
}

/** Keeps the shape (which keys, how many elements), which helps to find a mistake, and no value. */
function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strip);
  if (typeof value !== 'object' || value === null) return stripped;
  return Object.fromEntries(Object.keys(value).map((key) => [key, stripped]));
}
