import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { CsiError } from '../errors/csi-error.ts';
import { type ServiceName, type Stream, services } from '../wire/csi.ts';
import { redactRequest } from '../wire/redact.ts';
import { within } from '../within.ts';
import { Activity } from './activity.ts';
import { asideOf, clearAsides, nameSocket } from './aside.ts';
import { type Call, type Interceptor, intercept } from './call.ts';
import { callLog } from './call-log.ts';
import { type CallObserver, callMetrics } from './call-metrics.ts';
import { mapErrors } from './errors.ts';
import { locking } from './locks.ts';
import { orCallerGone, outStream } from './out-stream.ts';
import { OwnSocket } from './own-socket.ts';
import { probeSocket } from './probe-socket.ts';
import { clearSocket, makeSocketDir } from './socket.ts';
import { validateRequest } from './validate.ts';

/** A service as it is implemented: a plain object of async functions by RPC name. */
export type Implementation = Readonly<Record<string, unknown>>;

/** How long a drain waits for the calls that run, in milliseconds; below the 30 s that Kubernetes waits. */
const drainLimitMs = 20_000;

/** How long it then waits for connections to be closed, in milliseconds. */
const closeLimitMs = 1_000;

/** Then the socket gets its name all the same. */
const firstAnswerLimitMs = 30_000;

const validate: Interceptor = (call, next) => {
  validateRequest(call.path, call.request);
  return next();
};

/** Serves CSI services on a UNIX socket. */
export class CsiServer {
  readonly activity = new Activity();
  readonly #server = new Server({
    'grpc.max_receive_message_length': 4 * 1024 * 1024,
    // A record of every call and connection, for a service that is not served.
    'grpc.enable_channelz': 0,
  });
  readonly #interceptors: readonly Interceptor[];
  readonly #log: Logger;
  /** Once it has its name. */
  #socket: OwnSocket | undefined;

  /** `observe` is told of each call, refused ones included. */
  constructor(log: Logger, observe?: CallObserver) {
    this.#log = log;
    // The errors' mapping is inside log and metrics, which so see what the caller gets; validation is before the locks.
    const seen = [callLog(log, redactRequest), ...(observe === undefined ? [] : [callMetrics(observe)])];
    const concerns = [mapErrors, asAsync(validate), locking(log), this.activity.interceptor];
    this.#interceptors = [...seen, ...concerns];
  }

  /** Adds one service; methods that the implementation lacks are UNIMPLEMENTED. */
  add(service: ServiceName, implementation: Implementation): void {
    const definition = services[service];
    const handlers: UntypedServiceImplementation = {};
    for (const [method, { path, responseStream }] of Object.entries(definition)) {
      const handler = implementation[method];
      if (!isHandler(handler)) continue;
      const what = { service, method, path };
      handlers[method] = responseStream ? this.#streaming(what, handler) : this.#unary(what, handler);
    }
    this.#server.addService(definition, handlers);
  }

  /**
   * Starts to listen. Throws UsageError where the socket is in use. The socket gets its name once the server has
   * answered on it: a sidecar that finds a socket and is not answered within a second ends itself, and the first
   * answer of a process on a busy machine may take longer.
   */
  async listen(path: string): Promise<void> {
    makeSocketDir(path);
    await clearSocket(path);
    await clearAsides(path);
    const aside = asideOf(path);
    await this.#bind(aside);
    try {
      const problem = await probeSocket(aside, firstAnswerLimitMs);
      if (problem !== undefined) this.#log.warn({ problem }, 'the first answer has not come');
      nameSocket(aside, path);
    } catch (error) {
      // What listens keeps a process that nobody reaches from ending.
      this.#server.forceShutdown();
      throw error;
    }
    this.#socket = new OwnSocket(path);
  }

  /** A sentence where the socket's path does not lead to this server any more, though it may well answer on it. */
  socketProblem(): string | undefined {
    return this.#socket?.problem();
  }

  async #bind(path: string): Promise<void> {
    // Only root may call the driver: whoever can, can mount.
    const umask = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.bindAsync(`unix://${path}`, ServerCredentials.createInsecure(), (error) => {
          if (error === null) resolve();
          else reject(error);
        });
      });
    } finally {
      process.umask(umask);
    }
  }

  /** Takes no more calls, lets those that run come to their end (bounded), and closes. */
  async drain(): Promise<void> {
    this.#socket?.remove();
    const closed = new Promise<void>((resolve) => {
      this.#server.tryShutdown(() => resolve());
    });
    if (!(await this.activity.drained(drainLimitMs))) {
      this.#log.warn('calls were still running when the driver had to end; their callers will repeat them');
    }
    // The answers of the last calls are on their way; idle connections are not waited for.
    const timer = setTimeout(() => this.#server.forceShutdown(), 500);
    // A peer that never says a word keeps its connection open, whatever the server does.
    await within(closed, closeLimitMs);
    clearTimeout(timer);
  }

  #unary(what: Omit<Call, 'request'>, handler: Handler): handleUnaryCall<Request, object> {
    return ({ request }, callback) => {
      intercept(this.#interceptors, { ...what, request }, () => handler(request)).then(
        (response) => callback(null, response),
        (error: unknown) => callback(toServiceError(error)),
      );
    };
  }

  #streaming(what: Omit<Call, 'request'>, handler: Handler): handleServerStreamingCall<Request, object> {
    return (writable) => {
      const { request } = writable;
      const stream = outStream(writable);
      const work = async () => {
        await orCallerGone(stream, handler(request, stream));
        return {};
      };
      intercept(this.#interceptors, { ...what, request }, work).then(
        () => writable.end(),
        // Which is how grpc-js is told of it; destroying the stream would tell the caller nothing.
        (error: unknown) => writable.emit('error', toServiceError(error)),
      );
    };
  }
}

type Request = Call['request'];
type Handler = (request: unknown, stream?: Stream<object>) => Promise<object>;

function toServiceError(error: unknown) {
  const known = error instanceof CsiError;
  return {
    name: 'CsiError',
    code: known ? error.code : status.INTERNAL,
    message: known ? error.message : 'The driver failed; its log says why.',
    details: known ? error.message : 'The driver failed; its log says why.',
    metadata: new Metadata(),
  };
}

/** So that what an interceptor throws at once is a rejection like any other. */
function asAsync(interceptor: Interceptor): Interceptor {
  return async (call, next) => interceptor(call, next);
}

function isHandler(value: unknown): value is Handler {
  return typeof value === 'function';
}
