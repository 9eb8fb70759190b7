import { nodeNames } from './addresses.ts';
import type { Cluster } from './cluster.ts';

/** Where a process of the controller's pods tells its metrics: ports of the chart (deploy/chart/values.yaml). */
const ports = { controller: 29_810, provisioner: 29_811 };

export interface CallTimes {
  readonly count: number;
  readonly seconds: number;
}

/** How often a CSI method was called up to now and how long it took in all, as seen by one of these. */
export async function callTimes(
  cluster: Cluster,
  by: keyof typeof ports,
  method: string,
): Promise<CallTimes> {
  const texts = nodeNames.map((name) =>
    cluster.nodes[name].run(`curl --silent --fail --max-time 60 http://127.0.0.1:${ports[by]}/metrics`),
  );
  const lines = (await Promise.all(texts)).join('\n').split('\n');
  const sum = (name: string) =>
    lines
      .filter((line) => line.startsWith(name) && line.includes(`/${method}"`))
      .reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
  const name = /^(csi_(?:plugin|sidecar)_operations_seconds)_count/m.exec(lines.join('\n'))?.[1];
  if (name === undefined) throw new Error(`the ${by} told nothing of its calls`);
  return { count: sum(`${name}_count`), seconds: sum(`${name}_sum`) };
}
