import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';

/** An empty message of gRPC: not compressed, no bytes. */
const emptyMessage = Buffer.alloc(5);

/**
 * Asks the driver's own socket for CSI's Probe, as a sidecar would, and says what is wrong, or undefined. HTTP/2 as
 * it is: the client of grpc-js would be code that a node needs for nothing else.
 */
export function probeSocket(path: string, limitMs: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const session = connectHttp2('http://localhost', { createConnection: () => connect(path) });
  const timer = setTimeout(
    () => resolve(`The gRPC server did not answer within ${limitMs / 1000} s.`),
    limitMs,
  );
  const failed = (error: Error) => resolve(`The gRPC server cannot be reached (${error.message}).`);
  session.on('error', failed);
  const request = session.request({
    ':method': 'POST',
    ':path': '/csi.v1.Identity/Probe',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const judge = (headers: IncomingHttpHeaders) => {
    const status = headers['grpc-status'];
    if (status !== undefined)
      resolve(status === '0' ? undefined : `Probe failed with the gRPC status ${status}.`);
  };
  // An answer without a message has its status in the headers already.
  request.on('response', judge);
  request.on('trailers', judge);
  request.on('error', failed);
  request.on('close', () => resolve('The gRPC server closed the connection without an answer.'));
  request.resume();
  request.end(emptyMessage);
  return promise.finally(() => {
    clearTimeout(timer);
    session.destroy();
  });
}
