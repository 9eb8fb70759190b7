import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UsageError } from '../errors/usage-error.ts';
import { type HttpAddress, showAddress } from './address.ts';
import { Connections } from './connections.ts';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Answers by path. They are asked for at each request. */
export type Routes = Readonly<Record<string, (request: IncomingMessage) => Promise<Answer>>>;

/** A request's header has to be here after this time, and all of it after the next. Milliseconds. */
const headersTimeoutMs = 5_000;
const requestTimeoutMs = 10_000;
/** An idle connection is kept for somebody who looks at one page after the other. Milliseconds. */
const idleTimeoutMs = 5_000;
/** A reader that takes nothing of its answer; above the time that an answer may take. Milliseconds. */
const stalledTimeoutMs = 20_000;
const maxHeaderBytes = 8 * 1024;
const maxConnections = 100;

/** A small HTTP/1.1 server that only tells: GET and HEAD, bounded in time, size and number. */
export class HttpServer {
  readonly #server: Server;
  readonly #connections = new Connections(maxConnections);

  constructor(routes: Routes) {
    this.#server = createServer(
      {
        maxHeaderSize: maxHeaderBytes,
        headersTimeout: headersTimeoutMs,
        requestTimeout: requestTimeoutMs,
        connectionsCheckingInterval: 1_000,
        keepAliveTimeout: idleTimeoutMs,
      },
      (request, response) => {
        this.#connections.asked(request.socket);
        answer(routes, request)
          .catch(() => plain(500, 'The driver failed to answer.'))
          .then((given) => {
            send(request, response, given);
            // Now, not when it is read: who never reads would keep the place.
            this.#connections.answered(request.socket);
          });
      },
    );
    this.#server.on('connection', (socket) => this.#connections.add(socket));
    this.#server.setTimeout(stalledTimeoutMs);
  }

  /** Starts to listen and gives the address. Throws UsageError where it cannot. */
  async listen({ host, port }: HttpAddress): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
    }).catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(`--http ${showAddress({ address: host ?? '', port })}: ${whyNot(error)}`);
    });
    this.#server.removeAllListeners('error');
    // accept(2) failed, for lack of descriptors: the next one may succeed.
    this.#server.on('error', () => {});
    return showAddress(this.#server.address() as AddressInfo);
  }

  /** Ends every connection. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

export function plain(status: number, text: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` };
}

async function answer(routes: Routes, request: IncomingMessage): Promise<Answer> {
  const path = request.url?.split('?', 1)[0] ?? '';
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (route === undefined) return plain(404, `Not found; there are ${Object.keys(routes).join(', ')}.`);
  if (request.method === 'GET' || request.method === 'HEAD') return route(request);
  return plain(405, 'Only GET and HEAD are served.');
}

function send(request: IncomingMessage, response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
    // Who asks for what there is not has no more to ask, and a body that nobody wants would be read for it.
    ...(status === 404 || status === 405 ? { connection: 'close' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function whyNot({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another process listens there; give another address, or off';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address; give another one, or off';
    case 'EACCES':
      return 'this process may not listen there; give a port above 1023, or off';
    default:
      return `cannot listen there (${code ?? message}); give another address, or off`;
  }
}
