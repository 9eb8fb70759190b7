// Runs commands in a VM over its serial port: a machine without a network answers too.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline/promises';

interface Answer {
  readonly status: number;
  readonly output: string;
}

export class Shell {
  readonly #socket: Socket;
  readonly #waiting = new Map<string, (answer: Answer) => void>();
  #next = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const lines = createInterface(socket);
    lines.on('line', (line) => {
      const [id = '', status, output = ''] = line.split(' ');
      this.#waiting.get(id)?.({ status: Number(status), output: Buffer.from(output, 'base64').toString() });
      this.#waiting.delete(id);
    });
    // The VM may lose power; who waits for an answer then has a limit.
    lines.on('error', () => {});
  }

  static async open(path: string): Promise<Shell> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new Shell(socket);
  }

  /** Runs a bash command as root and returns what it printed. Rejects where it fails or takes longer than `seconds`. */
  async run(command: string, seconds = 60): Promise<string> {
    const id = String(this.#next++);
    const answered = new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    let timer: NodeJS.Timeout | undefined;
    // The command ends in the VM before this does; no answer at all is a VM that is gone.
    const gone = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the VM did not answer: ${command}`)), (seconds + 30) * 1000);
    });
    this.#socket.write(`${id} ${seconds} ${Buffer.from(command).toString('base64')}\n`);
    try {
      const { status, output } = await Promise.race([answered, gone]);
      if (status !== 0) throw new Error(`status ${status} in the VM: ${command}\n${output}`);
      return output.trimEnd();
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}
