import type { MethodDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import type { Services } from './generated/csi-types.ts';
import { serviceDescriptor } from './service-descriptor.ts';

export type ServiceName = keyof Services;

/** One method as the generated types describe it. */
interface MethodShape {
  request: unknown;
  requestInit: unknown;
  response: unknown;
  responseInit: unknown;
  stream: boolean;
}

/** The service definition that grpc's Server.addService takes: requests decoded, responses partial. */
export type ServerDefinition<Service> = {
  readonly [Method in keyof Service]: Service[Method] extends MethodShape
    ? MethodDefinition<Service[Method]['request'], Service[Method]['responseInit']>
    : never;
};

/** The answer of an RPC that is a stream of messages. */
export interface Stream<Message> {
  /** Sends one, and waits where the caller does not keep up. Throws CANCELLED where he has gone. */
  send(message: Message): Promise<void>;
  /** The caller has gone. */
  readonly signal: AbortSignal;
}

/** What the server's side of a service implements; methods that are left out are UNIMPLEMENTED. */
export type Handlers<Service, Context extends readonly unknown[] = []> = {
  readonly [Method in keyof Service]?: Service[Method] extends MethodShape
    ? Service[Method]['stream'] extends true
      ? (
          request: Service[Method]['request'],
          stream: Stream<Service[Method]['responseInit']>,
          ...context: Context
        ) => Promise<void>
      : (request: Service[Method]['request'], ...context: Context) => Promise<Service[Method]['responseInit']>
    : never;
};

const made = new Map<ServiceName, unknown>();

/** Made when it is first asked for: a role serves two or three of the services, and each costs time and memory. */
function serviceOf<Name extends ServiceName>(name: Name): ServerDefinition<Services[Name]> {
  if (!made.has(name)) {
    const definitions = fromJSON(serviceDescriptor(name), {
      keepCase: true,
      longs: String,
      enums: String,
      defaults: true,
      oneofs: true,
    });
    made.set(name, definitions[`csi.v1.${name}`]);
  }
  // The cast: the generated types come from the same descriptor.
  return made.get(name) as ServerDefinition<Services[Name]>;
}

/** The five services of csi.v1. */
export const services: { readonly [Name in ServiceName]: ServerDefinition<Services[Name]> } = {
  get Identity() {
    return serviceOf('Identity');
  },
  get Controller() {
    return serviceOf('Controller');
  },
  get GroupController() {
    return serviceOf('GroupController');
  },
  get SnapshotMetadata() {
    return serviceOf('SnapshotMetadata');
  },
  get Node() {
    return serviceOf('Node');
  },
};
