import type { Socket } from 'node:net';

/**
 * Bounds the number of connections: one that comes when there are too many takes the place of the one that has been
 * idle longest. Whoever holds connections so does not take health away from kubelet. Who waits for no answer is idle,
 * also where no request has come yet.
 */
export class Connections {
  readonly #limit: number;
  /** In the order in which they became idle. */
  readonly #idle = new Set<Socket>();
  /** How many answers each of the others waits for: requests may come before earlier ones are answered. */
  readonly #waiting = new Map<Socket, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(socket: Socket): void {
    if (this.#idle.size + this.#waiting.size >= this.#limit) {
      const [longest] = this.#idle;
      if (longest === undefined) {
        socket.destroy();
        return;
      }
      this.#idle.delete(longest);
      longest.destroy();
    }
    this.#idle.add(socket);
    socket.once('close', () => {
      this.#idle.delete(socket);
      this.#waiting.delete(socket);
    });
  }

  /** A request has come. */
  asked(socket: Socket): void {
    if (socket.destroyed) return;
    this.#idle.delete(socket);
    this.#waiting.set(socket, (this.#waiting.get(socket) ?? 0) + 1);
  }

  /** One that has come was answered. */
  answered(socket: Socket): void {
    const left = (this.#waiting.get(socket) ?? 0) - 1;
    if (left > 0) this.#waiting.set(socket, left);
    else if (this.#waiting.delete(socket)) this.#idle.add(socket);
  }
}
