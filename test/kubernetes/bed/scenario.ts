// One scenario on the cluster: a namespace of its own, the examples of deploy/examples, and nothing left at the end.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { ensureGoTool } from '../../setup/go-tools.ts';
import { leaveOut } from '../../support/leave-out.ts';
import { findVmPrograms } from '../../vm/machine.ts';
import type { NodeName } from './addresses.ts';
import { Cluster } from './cluster.ts';
import { installBerth, uninstallBerth } from './install.ts';
import type { Kubectl } from './kubectl.ts';
import { waitForNoLeftovers } from './leftovers.ts';
import { prepare } from './prepare.ts';
import { defineSnapshots, takesSnapshots } from './snapshots.ts';

const examples = resolve(import.meta.dirname, '../../../deploy/examples');

let running: Cluster | undefined;
/** Why there is none on this machine. */
let missing: string | undefined;

export interface ScenarioTest {
  readonly name: string;
  readonly work: (scenario: Scenario) => Promise<void>;
}

/** A test in a namespace of its own. What it applied is deleted after it, and nothing of it may be left. */
export function scenario(name: string, work: ScenarioTest['work']): ScenarioTest {
  return { name, work };
}

export interface Plan {
  /** These disturb nobody; some of them run at the same time, as most of a scenario is waiting. */
  readonly together?: readonly ScenarioTest[];
  /** These have the cluster to themselves, in this order. */
  readonly alone: readonly ScenarioTest[];
}

/** How many scenarios run at the same time; more only take the processors away from each other. */
const width = 3;

/** Brings up a cluster with Berth, runs the scenarios that SCENARIOS matches, and takes it down. */
export function onCluster(images: readonly string[], { together = [], alone }: Plan): void {
  // Not --test-name-pattern: where that leaves out the last test, Node waits for the cluster's end before it ends it.
  const wanted = new RegExp(process.env.SCENARIOS ?? '');
  const chosen = ({ name }: ScenarioTest) => wanted.test(name);
  if (![...together, ...alone].some(chosen)) throw new Error(`no scenario has a name like ${wanted.source}`);
  before(async () => {
    const programs = findVmPrograms();
    missing =
      typeof programs === 'string' ? `no cluster without the VM: ${programs}` : await ensureGoTool('helm 4');
    if (missing !== undefined) return;
    running = await Cluster.start(await prepare(images));
    if (takesSnapshots(images)) await defineSnapshots(running.kubectl);
    await installBerth(running);
  });
  after(async () => {
    const cluster = running;
    if (cluster === undefined) return;
    try {
      await uninstallBerth(cluster);
    } finally {
      await cluster.stop();
    }
  });
  if (together.some(chosen)) {
    suite('at the same time', { concurrency: width }, () => {
      // What one of them has left shows only when the others have ended too.
      after(nothingIsLeft);
      for (const each of together.filter(chosen)) runScenario(each, async () => {});
    });
  }
  for (const each of alone.filter(chosen)) runScenario(each, nothingIsLeft);
}

/** Fails where something is left on the server, the nodes or the API. */
async function nothingIsLeft(): Promise<void> {
  if (running !== undefined) await waitForNoLeftovers(running);
}

function runScenario({ name, work }: ScenarioTest, check: () => Promise<void>): void {
  test(name, async (t) => {
    if (missing !== undefined) return leaveOut(t, missing);
    if (running === undefined) throw new Error('the cluster is not there');
    const made = await Scenario.start(running, (line) => t.diagnostic(line));
    const failures: unknown[] = [];
    const note = (error: unknown) => void failures.push(error);
    await work(made).catch(async (error: unknown) => {
      note(error);
      t.diagnostic(await made.describe());
    });
    // What is left by a scenario that failed says nothing more, but the next one is not to find it.
    await made.end().then(check).catch(note);
    if (failures.length > 0) throw failures[0];
  });
}

/** Replaces parts of an example's text; each has to be in it. */
export type Edits = Readonly<Record<string, string>>;

export class Scenario {
  readonly cluster: Cluster;
  readonly kubectl: Kubectl;
  readonly namespace: string;
  /** Prints a figure beside the scenario's result. */
  readonly tell: (line: string) => void;
  readonly #applied: string[] = [];
  readonly #kept: string[] = [];
  static #count = 0;

  private constructor(cluster: Cluster, namespace: string, tell: (line: string) => void) {
    this.cluster = cluster;
    this.kubectl = cluster.kubectl;
    this.namespace = namespace;
    this.tell = tell;
  }

  static async start(cluster: Cluster, tell: (line: string) => void): Promise<Scenario> {
    Scenario.#count += 1;
    const namespace = `scenario-${Scenario.#count}`;
    await cluster.kubectl.run(['create', 'namespace', namespace]);
    await cluster.kubectl.until(
      ['-n', namespace, 'serviceaccount', 'default'],
      '{.metadata.name}',
      'default',
    );
    return new Scenario(cluster, namespace, tell);
  }

  /** kubectl in the scenario's namespace. */
  run(args: readonly string[], input?: string): Promise<string> {
    return this.kubectl.run(['-n', this.namespace, ...args], input);
  }

  /** Applies a file of deploy/examples, as it is but for these edits. */
  async example(name: string, edits: Edits = {}): Promise<void> {
    await this.apply(await exampleText(name, edits));
  }

  /** The example in two parts: its last object, and those before. */
  async exampleParts(name: string): Promise<{ rest: string; last: string }> {
    const parts = (await exampleText(name, {})).split(/^---$/m);
    return { rest: parts.slice(0, -1).join('---'), last: parts.at(-1) ?? '' };
  }

  async apply(yaml: string): Promise<void> {
    this.#applied.push(yaml);
    await this.run(['apply', '-f', '-'], yaml);
  }

  /** Deletes what was applied with just this text, and waits until it is gone. */
  async remove(yaml: string): Promise<void> {
    await this.run(['delete', '--ignore-not-found', '--wait', '-f', '-'], yaml);
  }

  value(object: readonly string[], path: string): Promise<string> {
    return this.kubectl.value(['-n', this.namespace, ...object], path);
  }

  until(object: readonly string[], path: string, expected: string | RegExp): Promise<string> {
    return this.kubectl.until(['-n', this.namespace, ...object], path, expected);
  }

  gone(object: readonly string[]): Promise<void> {
    return this.kubectl.gone(['-n', this.namespace, ...object]);
  }

  /** Waits until the pod's containers are ready. */
  async ready(pod: string): Promise<void> {
    await this.until(['pod', pod], '{.status.conditions[?(@.type=="Ready")].status}', 'True');
  }

  /** Waits until this many pods with the label are ready; returns their names. */
  async readyPods(label: string, count: number): Promise<string[]> {
    const condition = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{" "}{end}';
    const allReady = 'True '.repeat(count);
    await this.until(['pods', '-l', label], condition, allReady);
    return (await this.value(['pods', '-l', label], '{.items[*].metadata.name}')).split(' ');
  }

  /** Of two pods that want the same volume: waits until one is ready; returns it, and then the one that waits. */
  async oneOf(one: string, two: string): Promise<readonly [ready: string, waiting: string]> {
    const ready = '{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}';
    const seen = await this.until(['pods'], ready, /=True/);
    return seen.includes(`${one}=True`) ? [one, two] : [two, one];
  }

  /** Waits until the claim is bound; returns its PersistentVolume's name. */
  async bound(claim: string): Promise<string> {
    await this.until(['pvc', claim], '{.status.phase}', 'Bound');
    return this.value(['pvc', claim], '{.spec.volumeName}');
  }

  /** Waits until the snapshot, or the group of snapshots, is ready to be used. */
  async taken(
    name: string,
    kind: 'volumesnapshot' | 'volumegroupsnapshot' = 'volumesnapshot',
  ): Promise<void> {
    await this.until([kind, name], '{.status.readyToUse}', 'true');
  }

  /** Runs a shell command in the pod. */
  exec(pod: string, command: string): Promise<string> {
    return this.run(['exec', pod, '--', 'sh', '-c', command]);
  }

  async nodeOf(pod: string): Promise<NodeName> {
    const node = await this.value(['pod', pod], '{.spec.nodeName}');
    if (node === 'a' || node === 'b') return node;
    throw new Error(`the pod ${pod} is on the node ${JSON.stringify(node)}`);
  }

  /** The uid of the pod; one that replaces it has another. */
  uid(pod: string): Promise<string> {
    return this.value(['pod', pod], '{.metadata.uid}');
  }

  /** Waits until a pod of this name with another uid is ready. */
  async replaced(pod: string, uid: string): Promise<void> {
    await this.until(['pod', pod], '{.metadata.uid}', new RegExp(`^(?!${uid}).+`));
    await this.ready(pod);
  }

  /** Waits for an event about the object whose message matches; returns the message. */
  async event(object: string, message: RegExp): Promise<string> {
    const select = ['--field-selector', `involvedObject.name=${object}`];
    const lines = '{range .items[*]}{.message}{"\\n"}{end}';
    const found = await this.kubectl.until(['-n', this.namespace, 'events', ...select], lines, message);
    return found.split('\n').find((line) => message.test(line)) ?? '';
  }

  /** A path on the server that is to be there still when all objects are gone; then it is removed. */
  keeps(path: string): void {
    this.#kept.push(path);
  }

  /** Removes what was archived of the volume, which Berth never does. */
  async archiveRemoved(volume: string): Promise<void> {
    await this.cluster.server.run(`rm -r /srv/export/.berth/archive/${volume}-*`);
  }

  /** What is to be known when it has failed. */
  async describe(): Promise<string> {
    const parts = [
      ['get', 'pods,pvc,pv', '-o', 'wide'],
      ['get', 'events', '--sort-by=.lastTimestamp'],
    ].map((args) => this.run(args).catch(String));
    return (await Promise.all(parts)).join('\n');
  }

  /** Deletes all that it made. */
  async end(): Promise<void> {
    const workloads = 'statefulsets,deployments,replicasets,jobs,pods';
    await this.run(['delete', workloads, '--all', '--grace-period=1', '--wait=false']);
    for (const yaml of this.#applied.reverse()) await this.remove(yaml);
    // Not waited for: the namespace's own end says nothing more of volumes.
    await this.kubectl.run(['delete', 'namespace', this.namespace, '--wait=false']);
    for (const path of this.#kept) await this.cluster.server.run(`ls -d ${path} && rm -r ${path}`);
  }
}

async function exampleText(name: string, edits: Edits): Promise<string> {
  let text = await readFile(join(examples, `${name}.yaml`), 'utf8');
  for (const [from, to] of Object.entries(edits)) {
    if (!text.includes(from)) throw new Error(`the example ${name} does not say ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}
