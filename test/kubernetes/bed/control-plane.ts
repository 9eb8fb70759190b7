// etcd and Kubernetes' control plane, as processes of this machine inside the bed's network.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { addresses, services } from './addresses.ts';
import type { Credentials } from './credentials.ts';
import { program } from './go-programs.ts';
import type { Network } from './network.ts';

export class ControlPlane {
  readonly #network: Network;
  readonly #directory: string;
  readonly #credentials: Credentials;
  readonly #started: ChildProcess[] = [];

  constructor(network: Network, directory: string, credentials: Credentials) {
    this.#network = network;
    this.#directory = directory;
    this.#credentials = credentials;
  }

  /** Starts the store and the API server. */
  startServer(): void {
    const { certificate, key, authority, tokens, serviceAccountKey } = this.#credentials;
    this.#run('etcd', { 'data-dir': join(this.#directory, 'etcd'), 'unsafe-no-fsync': '' });
    this.#run('kube-apiserver', {
      'etcd-servers': 'http://127.0.0.1:2379',
      'bind-address': '0.0.0.0',
      'advertise-address': addresses.controlPlane,
      'service-cluster-ip-range': services,
      'tls-cert-file': certificate,
      'tls-private-key-file': key,
      'client-ca-file': authority,
      'token-auth-file': tokens,
      'authorization-mode': 'Node,RBAC',
      'allow-privileged': '',
      'service-account-issuer': 'https://kubernetes.default.svc',
      'service-account-key-file': serviceAccountKey,
      'service-account-signing-key-file': serviceAccountKey,
      'kubelet-preferred-address-types': 'InternalIP',
      // It would go on for a minute after SIGTERM, for the watches of those who have just been ended.
      'shutdown-delay-duration': '0s',
    });
  }

  /** Starts what works through the API server, which has to be ready. */
  startControllers(): void {
    const { authority, serviceAccountKey } = this.#credentials;
    const admin = this.#credentials.kubeconfig('admin');
    this.#run('kube-controller-manager', {
      kubeconfig: admin,
      'leader-elect': 'false',
      'service-account-private-key-file': serviceAccountKey,
      'root-ca-file': authority,
      'use-service-account-credentials': '',
      'bind-address': '127.0.0.1',
    });
    this.#run('kube-scheduler', { kubeconfig: admin, 'leader-elect': 'false', 'bind-address': '127.0.0.1' });
  }

  /** Ends them, the last one first. What they keep is thrown away, so nothing waits for their own order. */
  async stop(): Promise<void> {
    for (const child of this.#started.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
  }

  /** Its output goes to NAME.log; the kernel ends it together with this process. */
  #run(name: string, flags: Readonly<Record<string, string>>): void {
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}${value === '' ? '' : `=${value}`}`);
    const log = openSync(join(this.#directory, `${name}.log`), 'w');
    const enter = [`--net=/run/netns/${this.#network.namespace}`, 'setpriv', '--pdeathsig', 'KILL'];
    const child = spawn('nsenter', [...enter, program(name), ...args], { stdio: ['ignore', log, log] });
    this.#started.push(child);
  }
}
