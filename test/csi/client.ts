import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { type ServiceName, services } from '../../src/wire/csi.ts';
import type { Services } from '../../src/wire/generated/csi-types.ts';

type Unary<Service> = {
  readonly [Method in keyof Service]: Service[Method] extends {
    requestInit: infer Request;
    response: infer Response;
  }
    ? (request: Request, options?: CallOptions) => Promise<Response>
    : never;
};

export interface CallOptions {
  /** Milliseconds until the caller gives up; default two minutes, since a VM is slow. */
  readonly timeoutMs?: number;
}

/** What a driver serves on one socket, as a CO would call it. */
export interface CsiClient {
  readonly identity: Unary<Services['Identity']>;
  readonly controller: Unary<Services['Controller']>;
  readonly node: Unary<Services['Node']>;
  close(): void;
}

/** Connects to a driver's UNIX socket. Failed calls reject with grpc's ServiceError (code, details). */
export function connectCsi(socket: string): CsiClient {
  const client = new Client(`unix://${socket}`, credentials.createInsecure(), {
    // The driver may just be starting: the default waits a second after the first refusal.
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.min_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 500,
  });
  return {
    identity: unaryOf<Services['Identity']>(client, 'Identity'),
    controller: unaryOf<Services['Controller']>(client, 'Controller'),
    node: unaryOf<Services['Node']>(client, 'Node'),
    close: () => client.close(),
  };
}

function unaryOf<Service>(client: Client, name: ServiceName): Unary<Service> {
  const methods = Object.entries(services[name]).map(([method, definition]) => [
    method,
    (request: object, { timeoutMs = 120_000 }: CallOptions = {}) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          definition.path,
          definition.requestSerialize,
          definition.responseDeserialize,
          request,
          { deadline: Date.now() + timeoutMs },
          (error: ServiceError | null, response?: unknown) =>
            error === null ? resolve(response) : reject(error),
        );
      }),
  ]);
  return Object.fromEntries(methods) as Unary<Service>;
}

/** Fails unless the call fails with this gRPC code; returns the sentence that came with it. */
export async function refused(call: Promise<unknown>, code: number): Promise<string> {
  try {
    await call;
  } catch (error) {
    const { code: found, details } = error as ServiceError;
    if (found === code) return details;
    throw new Error(`expected code ${code}, got ${found}: ${details}`);
  }
  throw new Error(`expected code ${code}, but the call succeeded`);
}
