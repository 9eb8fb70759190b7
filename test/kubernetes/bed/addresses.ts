/** The bed's network: one bridge, nothing leaves it. */
export const addresses = {
  controlPlane: '10.9.0.1',
  server: '10.9.0.2',
  a: '10.9.0.11',
  b: '10.9.0.12',
} as const;

export const nodeNames = ['a', 'b'] as const;
export type NodeName = (typeof nodeNames)[number];

/** The machines in VMs of their own. */
export type MachineName = NodeName | 'server';

/** What node.sh gives to the pods of a node. */
export function podsOf(node: NodeName): string {
  return `10.244.${addresses[node].split('.').at(-1)}.0/24`;
}

export const services = '10.96.0.0/16';
/** The first address of the services: the API server as pods see it. */
export const apiService = '10.96.0.1';
