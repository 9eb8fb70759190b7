// Helm, and what the chart gives for a file of values.
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { parseAllDocuments } from 'yaml';
import { goTool } from '../setup/go-tools.ts';

export const chart = resolve(import.meta.dirname, '../../deploy/chart');
const values = join(import.meta.dirname, 'values');

export type Helm = 'helm 4' | 'helm 3';

/** Flags that are enough to install. */
export const twoValues = ['--set', 'nfs.server=10.0.0.5', '--set', 'nfs.path=/export/k8s'];

/** Files of values, each with what is to hold for every way to install. */
export const valueFiles = [
  'many-pools',
  'sidecars',
  'single-node',
  'pod-network',
  'snapshots',
  'per-node',
] as const;
export const allWays: readonly { readonly what: string; readonly flags: readonly string[] }[] = [
  { what: 'two values', flags: twoValues },
  ...valueFiles.map((name) => ({ what: name, flags: valuesOf(name) })),
];

export function valuesOf(name: (typeof valueFiles)[number]): readonly string[] {
  return ['--values', join(values, `${name}.yaml`)];
}

/** Runs Helm and gives what it printed on both streams. */
export async function runHelm(args: readonly string[], helm: Helm = 'helm 4') {
  const { exitCode, stdout, stderr } = await execa(goTool(helm), args, { reject: false, timeout: 60_000 });
  return { exitCode, stdout, stderr };
}

/** The chart's text for these flags. Throws with Helm's message where it refuses. */
export async function template(flags: readonly string[], helm: Helm = 'helm 4'): Promise<string> {
  const args = ['template', 'berth', chart, '--namespace', 'berth-system', ...flags];
  const { exitCode, stdout, stderr } = await runHelm(args, helm);
  if (exitCode !== 0) throw new Error(stderr);
  return stdout;
}

/** As much of Kubernetes' objects as the tests look at. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
}

export interface Probe {
  readonly httpGet: { readonly port: number | string };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly securityContext?: {
    readonly privileged?: boolean;
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
  };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface Workload extends KubernetesObject {
  readonly spec: {
    readonly replicas?: number;
    readonly template: {
      readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
      readonly spec: {
        readonly hostNetwork?: boolean;
        readonly automountServiceAccountToken?: boolean;
        readonly nodeSelector: Readonly<Record<string, string>>;
        readonly containers: readonly Container[];
      };
    };
  };
}

export interface StorageClass extends KubernetesObject {
  readonly provisioner: string;
  readonly volumeBindingMode: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The objects of a YAML text, without empty documents. */
export function objectsOf(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
}

/** All objects of a kind. */
export function ofKind<T extends KubernetesObject>(objects: readonly KubernetesObject[], kind: string): T[] {
  return objects.filter((object) => object.kind === kind) as T[];
}

/** The only object of a kind. Throws where there is none, or more than one. */
export function theOnly<T extends KubernetesObject>(objects: readonly KubernetesObject[], kind: string): T {
  const [found, ...more] = ofKind<T>(objects, kind);
  if (found === undefined || more.length > 0) throw new Error(`expected one ${kind}, found ${more.length}`);
  return found;
}

/** All that run Berth: the controller and the node plugin, or the one that is both on each node. */
export function allWorkloads(objects: readonly KubernetesObject[]): readonly Workload[] {
  const found = [...ofKind<Workload>(objects, 'StatefulSet'), ...ofKind<Workload>(objects, 'DaemonSet')];
  if (found.length === 0) throw new Error('there is neither a StatefulSet nor a DaemonSet');
  return found;
}

/** The two that run Berth. Throws where one is missing. */
export function workloads(objects: readonly KubernetesObject[]) {
  return {
    controller: theOnly<Workload>(objects, 'StatefulSet'),
    node: theOnly<Workload>(objects, 'DaemonSet'),
  };
}

/** The driver's config file as the chart gives it. */
export function configOf(objects: readonly KubernetesObject[]): string {
  const { data } = theOnly<KubernetesObject & { data: Record<string, string> }>(objects, 'ConfigMap');
  return data['config.yaml'] ?? '';
}

export function containerOf({ spec }: Workload, name: string): Container {
  const found = spec.template.spec.containers.find((container) => container.name === name);
  if (found === undefined) throw new Error(`there is no container ${name}`);
  return found;
}
