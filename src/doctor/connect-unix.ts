import { connect } from 'node:net';
import { errnoName } from '../errors/errno.ts';

const meanings: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'the process that made the socket is gone',
  EACCES: 'only root may connect',
};

/** Says why nobody answers on a UNIX socket; undefined if somebody listens. */
export function connectUnix(path: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.setTimeout(timeoutMs, () => end(`no answer within ${timeoutMs / 1000} s`));
    socket.once('connect', () => end(undefined));
    socket.once('error', (error) => end(meanings[errnoName(error) ?? ''] ?? error.message));
    function end(problem: string | undefined): void {
      socket.destroy();
      resolve(problem);
    }
  });
}
