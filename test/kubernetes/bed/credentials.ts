// Certificates, tokens and kubeconfigs of one cluster, thrown away with it.
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { addresses, apiService, nodeNames } from './addresses.ts';

export interface Credentials {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  readonly serviceAccountKey: string;
  readonly tokens: string;
  /** The kubeconfig of an account: admin, proxy, or a node's name. */
  kubeconfig(account: string): string;
}

const groups: Readonly<Record<string, readonly [user: string, group: string]>> = {
  admin: ['admin', 'system:masters'],
  proxy: ['system:kube-proxy', 'system:node-proxier'],
  ...Object.fromEntries(nodeNames.map((name) => [name, [`system:node:${name}`, 'system:nodes']])),
};

export async function makeCredentials(directory: string): Promise<Credentials> {
  const file = (name: string) => join(directory, name);
  const openssl = execa({ cwd: directory, timeout: 60_000 });
  const days = ['-days', '7'];
  const selfSigned = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.crt'];
  await openssl`openssl req ${selfSigned} ${days} -subj /CN=berth-test-ca`;
  await openssl`openssl req -newkey rsa:2048 -nodes -keyout api.key -out api.csr -subj /CN=kube-apiserver`;
  const names = [
    ...['127.0.0.1', addresses.controlPlane, apiService].map((ip) => `IP:${ip}`),
    ...['kubernetes', 'kubernetes.default.svc'].map((name) => `DNS:${name}`),
  ];
  await writeFile(file('names'), `subjectAltName=${names.join(',')}`);
  const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names'];
  await openssl`openssl x509 -req -in api.csr -out api.crt ${signing} ${days}`;
  await openssl`openssl genrsa -out service-accounts.key 2048`;

  const tokens: string[] = [];
  for (const [account, [user, group]] of Object.entries(groups)) {
    const token = randomBytes(16).toString('hex');
    tokens.push(`${token},${user},${account},"${group}"\n`);
    await writeFile(file(`${account}.kubeconfig`), kubeconfig(file('ca.crt'), token));
  }
  await writeFile(file('tokens.csv'), tokens.join(''));
  return {
    authority: file('ca.crt'),
    certificate: file('api.crt'),
    key: file('api.key'),
    serviceAccountKey: file('service-accounts.key'),
    tokens: file('tokens.csv'),
    kubeconfig: (account) => file(`${account}.kubeconfig`),
  };
}

/** kubectl reads JSON as well, as it is YAML. */
function kubeconfig(authority: string, token: string): string {
  const cluster = { server: `https://${addresses.controlPlane}:6443`, 'certificate-authority': authority };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'berth', cluster }],
    users: [{ name: 'user', user: { token } }],
    contexts: [{ name: 'berth', context: { cluster: 'berth', user: 'user' } }],
    'current-context': 'berth',
  });
}
