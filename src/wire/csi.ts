import type { MethodDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import descriptor from './generated/csi.json' with { type: 'json' };
import type { Services } from './generated/csi-types.ts';

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

/** What the server's side of a service implements; methods that are left out are UNIMPLEMENTED. */
export type Handlers<Service, Context extends readonly unknown[] = []> = {
  readonly [Method in keyof Service]?: Service[Method] extends MethodShape
    ? (
        request: Service[Method]['request'],
        ...context: Context
      ) => Service[Method]['stream'] extends true
        ? AsyncIterable<Service[Method]['responseInit']>
        : Promise<Service[Method]['responseInit']>
    : never;
};

// The cast: the type that TypeScript reads out of the JSON is the literal itself.
const definitions = fromJSON(descriptor as unknown as Parameters<typeof fromJSON>[0], {
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
});

/** The definition of one service; the generated types come from the descriptor, so they tell what is in it. */
function serviceOf<Name extends ServiceName>(name: Name): ServerDefinition<Services[Name]> {
  return definitions[`csi.v1.${name}`] as unknown as ServerDefinition<Services[Name]>;
}

/** The five services of csi.v1. */
export const services: { readonly [Name in ServiceName]: ServerDefinition<Services[Name]> } = {
  Identity: serviceOf('Identity'),
  Controller: serviceOf('Controller'),
  GroupController: serviceOf('GroupController'),
  SnapshotMetadata: serviceOf('SnapshotMetadata'),
  Node: serviceOf('Node'),
};
