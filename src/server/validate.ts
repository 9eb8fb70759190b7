import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { type FieldInfo, type MessageInfo, messageInfo, methodInfo } from '../wire/descriptor.ts';
import { totalCheck, valueCheck } from './field-checks.ts';
import { requiredFields } from './required-fields.ts';

/** Where the request is wrong, and how. */
interface Problem {
  readonly path: string;
  readonly text: string;
}

type Message = Readonly<Record<string, unknown>>;
type Check = (message: Message) => Problem | undefined;

/** By message, compiled when the first request that has one arrives. */
const checks = new Map<string, Check>();

/**
 * Throws CsiError INVALID_ARGUMENT (reason request-invalid) where a decoded request lacks a required field or
 * breaks a limit of the specification ("Size Limits", "Missing required field", "Invalid field").
 * A path that is not one of CSI's is not judged.
 * @param methodPath such as `/csi.v1.Controller/CreateVolume`
 */
export function validateRequest(methodPath: string, request: object): void {
  const method = methodInfo(methodPath);
  if (!method) return;
  const problem = checkOf(method.request)(request as Message);
  if (problem) {
    throw new CsiError(
      status.INVALID_ARGUMENT,
      'request-invalid',
      `${method.name}: the field ${problem.path} ${problem.text}`,
    );
  }
}

function checkOf(messageName: string): Check {
  let check = checks.get(messageName);
  if (!check) {
    check = compile(messageInfo(messageName));
    checks.set(messageName, check);
  }
  return check;
}

function compile(message: MessageInfo): Check {
  const required = new Set(requiredFields[message.name]);
  const all = [
    ...message.oneofs.filter((oneof) => required.has(oneof)).map(oneofCheck),
    ...message.fields.map((field) => fieldCheck(field, required.has(field.name))),
  ];
  return (value) => {
    for (const check of all) {
      const problem = check(value);
      if (problem) return problem;
    }
    return undefined;
  };
}

/** The decoder names the member that was sent, under the name of the oneof. */
function oneofCheck(oneof: string): Check {
  return (message) => (message[oneof] === undefined ? missing(oneof) : undefined);
}

function fieldCheck(field: FieldInfo, required: boolean): Check {
  const { name, type } = field;
  const total = totalCheck(field);
  const content = field.kind === 'message' && type !== undefined ? messageCheck(type) : scalarCheck(field);
  return (message) => {
    const value = message[name];
    if (isMissing(value, field)) return required ? missing(name) : undefined;
    const text = total?.(value);
    if (text !== undefined) return { path: name, text };
    if (!content) return undefined;
    if (!Array.isArray(value)) return within(name, content(value));
    for (const [index, element] of value.entries()) {
      const problem = content(element);
      if (problem) return within(`${name}[${index}]`, problem);
    }
    return undefined;
  };
}

/** Not sent, as proto3 decodes it; a message that was sent is there, however empty. */
function isMissing(value: unknown, field: FieldInfo): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  if (field.kind === 'map') return Object.keys(value).length === 0;
  return field.kind === 'enum' && value === field.zero;
}

function missing(path: string): Problem {
  return { path, text: 'is required but was not sent. Set it.' };
}

/** Looked up when it is used, so that compiling one message does not compile all below it. */
function messageCheck(messageName: string): (value: unknown) => Problem | undefined {
  return (value) => checkOf(messageName)(value as Message);
}

function scalarCheck(field: FieldInfo): ((value: unknown) => Problem | undefined) | undefined {
  const check = valueCheck(field);
  if (!check) return undefined;
  return (value) => {
    const text = check(value);
    return text === undefined ? undefined : { path: '', text };
  };
}

function within(outer: string, problem: Problem | undefined): Problem | undefined {
  if (!problem) return undefined;
  return { path: problem.path === '' ? outer : `${outer}.${problem.path}`, text: problem.text };
}
