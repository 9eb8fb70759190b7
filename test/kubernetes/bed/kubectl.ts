import { execa } from 'execa';
import { waitFor } from '../../vm/guest/wait-for.ts';

/** How long the cluster may need for a state: it runs in emulated machines. Milliseconds. */
const patienceMs = 600_000;
/** Each question is a kubectl, which takes a tenth of a second of a processor that the machines need. Milliseconds. */
const pauseMs = 1_000;

/** kubectl as the cluster's administrator, from inside the bed's network. */
export class Kubectl {
  /** The command that is put before kubectl's own arguments. */
  readonly command: readonly string[];

  constructor(command: readonly string[]) {
    this.command = command;
  }

  /** Runs kubectl and returns what it printed; rejects with what it complained about. */
  async run(args: readonly string[], input?: string): Promise<string> {
    const [file = '', ...first] = this.command;
    const given = input === undefined ? { stdin: 'ignore' as const } : { input };
    const { stdout } = await execa(file, [...first, ...args], { timeout: patienceMs, ...given });
    return stdout;
  }

  /** One value of an object by its JSONPath, such as `{.status.phase}`; empty where it has none. */
  async value(object: readonly string[], path: string): Promise<string> {
    return this.run(['get', ...object, '--ignore-not-found', '-o', `jsonpath=${path}`]);
  }

  /** Waits until the value at the JSONPath is this one. */
  async until(object: readonly string[], path: string, expected: string | RegExp): Promise<string> {
    let last = '';
    const is = (value: string) => (typeof expected === 'string' ? value === expected : expected.test(value));
    await waitFor(
      `${object.join(' ')} has ${path} ${expected}`,
      async () => {
        last = await this.value(object, path);
        if (!is(last)) throw new Error(`it is ${JSON.stringify(last)}`);
        return true;
      },
      patienceMs,
      pauseMs,
    );
    return last;
  }

  /** Waits until an object is no more. */
  async gone(object: readonly string[]): Promise<void> {
    await waitFor(
      `${object.join(' ')} is gone`,
      async () => (await this.run(['get', ...object, '--ignore-not-found', '-o', 'name'])) === '',
      patienceMs,
      pauseMs,
    );
  }
}
