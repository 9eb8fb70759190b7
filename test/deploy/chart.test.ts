import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/load.ts';
import { readParameters } from '../../src/volumes/parameters.ts';
import { requireGoTool } from '../setup/go-tools.ts';
import {
  allWays,
  allWorkloads,
  type Container,
  chart,
  configOf,
  containerOf,
  type Helm,
  type KubernetesObject,
  objectsOf,
  ofKind,
  runHelm,
  type StorageClass,
  template,
  theOnly,
  twoValues,
  valuesOf,
  type Workload,
  workloads,
} from './helm.ts';
import { readStrictly, requireGo } from './strict.ts';

const helms: readonly Helm[] = ['helm 4', 'helm 3'];

for (const helm of helms) {
  test(`${helm} finds nothing wrong with the chart`, async (t) => {
    if (!(await requireGoTool(t, helm))) return;
    for (const { what, flags } of allWays) {
      const { exitCode, stdout, stderr } = await runHelm(['lint', chart, '--strict', ...flags], helm);
      assert.equal(exitCode, 0, `${what}: ${stdout}${stderr}`);
    }
  });
}

test('Helm 3 and Helm 4 render the same', async (t) => {
  for (const helm of helms) if (!(await requireGoTool(t, helm))) return;
  for (const { what, flags } of allWays) {
    // The order is each Helm's own, and so is the newest Kubernetes that it knows.
    const [three, four] = await Promise.all(
      helms.map(async (helm) => {
        const text = await template([...flags, '--kube-version', '1.34.0'], helm);
        return new Map(
          objectsOf(text).map((object) => [`${object.kind} ${object.metadata.name}`, object] as const),
        );
      }),
    );
    assert.deepEqual(three, four, what);
  }
});

test("Kubernetes' own types take every object of the chart", async (t) => {
  if (!(await requireGoTool(t, 'helm 4')) || !(await requireGo(t))) return;
  for (const { what, flags } of allWays) {
    const text = await template(flags);
    const objects = objectsOf(text);
    assert.equal((await readStrictly(text)).length, objects.length, what);
  }
});

test('a field that Kubernetes does not know would be found', async (t) => {
  if (!(await requireGoTool(t, 'helm 4')) || !(await requireGo(t))) return;
  const text = (await template(twoValues)).replace('podManagementPolicy:', 'podManagmentPolicy:');
  await assert.rejects(readStrictly(text), /podManagmentPolicy/);
});

test('two values make a pool, and the classes that use it', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  const objects = objectsOf(await template(twoValues));

  const { pools } = parseConfig(configOf(objects), 'config.yaml');
  assert.deepEqual(
    [...pools.values()],
    [
      {
        kind: 'nfs',
        name: 'nas',
        nfs: { server: '10.0.0.5', path: '/export/k8s', mountOptions: ['nosuid', 'nodev'] },
      },
    ],
  );
  const driver = theOnly(objects, 'CSIDriver').metadata.name;
  assert.deepEqual(
    ofKind<StorageClass>(objects, 'StorageClass').map(({ metadata, provisioner, parameters }) => [
      metadata.name,
      metadata.annotations?.['storageclass.kubernetes.io/is-default-class'],
      provisioner,
      parameters,
    ]),
    [
      ['berth', 'true', driver, { pool: 'nas' }],
      ['berth-block', undefined, driver, { pool: 'nas', 'csi.storage.k8s.io/fstype': 'ext4' }],
    ],
  );
});

test('the driver takes the config and the parameters of every way to install', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  for (const { what, flags } of allWays) {
    const objects = objectsOf(await template(flags));
    const { pools } = parseConfig(configOf(objects), what);
    for (const { metadata, parameters } of ofKind<StorageClass>(objects, 'StorageClass')) {
      const claim = {
        'csi.storage.k8s.io/pvc/name': 'claim',
        'csi.storage.k8s.io/pvc/namespace': 'default',
        'csi.storage.k8s.io/pv/name': 'pvc-1',
      };
      const { pool } = readParameters({ ...parameters, ...claim }, 'pvc-1');
      assert.ok(pools.has(pool ?? ''), `${what}: ${metadata.name} names the pool ${pool}`);
    }
  }
});

test('pools and classes of the values are all there', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  const objects = objectsOf(await template(valuesOf('many-pools')));
  assert.deepEqual([...parseConfig(configOf(objects), '').pools.keys()].sort(), ['archive', 'media', 'nas']);
  const classes = ofKind<StorageClass>(objects, 'StorageClass');
  assert.deepEqual(
    classes.map(({ metadata, parameters }) => [metadata.name, parameters.pool]),
    [
      ['archive', 'archive'],
      ['berth', 'nas'],
      ['berth-block', 'nas'],
      ['media', 'media'],
    ],
  );
  const media = classes.find(({ metadata }) => metadata.name === 'media');
  assert.equal(media?.parameters.uid, '1000', 'parameters are strings');
});

test('devices that are allowed come into the config', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  const pattern = '/dev/disk/by-id/wwn-*';
  const objects = objectsOf(await template([...twoValues, '--set', `devices[0]=${pattern}`]));
  assert.deepEqual(parseConfig(configOf(objects), '').devices, [pattern]);
});

test('no two ports of the host are the same', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  for (const { what, flags } of allWays) {
    const ports = allWorkloads(objectsOf(await template(flags))).flatMap(({ spec }) =>
      spec.template.spec.containers.flatMap((container) => portsOf(container)),
    );
    assert.ok(ports.length >= 3, `${what}: ${ports.join(', ')}`);
    assert.equal(new Set(ports).size, ports.length, `${what}: ${ports.join(', ')}`);
  }
});

/** Ports that a container declares; each has to be the one that its flags make it serve on. */
function portsOf({ name, ports = [], args }: Container): readonly number[] {
  const declared = ports.map(({ containerPort }) => containerPort);
  const served = args.flatMap((arg) => arg.match(/^--http(?:-endpoint)?=.*:(\d+)$/)?.[1] ?? []).map(Number);
  assert.deepEqual(declared, served, name);
  return declared;
}

test('every probe asks a port that is served', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  for (const { what, flags } of allWays) {
    for (const { spec } of allWorkloads(objectsOf(await template(flags)))) {
      const { containers } = spec.template.spec;
      const numbers = containers.flatMap((container) => portsOf(container));
      for (const { name, ports = [], startupProbe, livenessProbe, readinessProbe } of containers) {
        // kubelet finds a name among the ports of the probed container only, and never asks where there is none.
        const known: unknown[] = [...numbers, ...ports.map((port) => port.name)];
        for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
          if (probe !== undefined) assert.ok(known.includes(probe.httpGet.port), `${what}: ${name}`);
        }
        if (name === 'berth') assert.ok(startupProbe && livenessProbe && readinessProbe, what);
      }
    }
  }
});

test('a changed config replaces the pods, and nothing else does', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  const templateOf = async (...flags: string[]) => {
    const { controller, node } = workloads(objectsOf(await template([...twoValues, ...flags])));
    return [controller.spec.template, node.spec.template];
  };
  const before = await templateOf();
  assert.deepEqual(await templateOf('--set', 'storageClasses.berth.reclaimPolicy=Retain'), before);
  const after = await templateOf('--set', 'nfs.server=10.0.0.6');
  for (const [index, { metadata }] of after.entries()) {
    assert.notDeepEqual(metadata, before[index]?.metadata);
    assert.deepEqual({ ...after[index], metadata: {} }, { ...before[index], metadata: {} });
  }
});

test('nothing may read Secrets, and only the sidecars have a token', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  for (const { what, flags } of allWays) {
    const objects = objectsOf(await template(flags));
    for (const role of [...ofKind<Role>(objects, 'ClusterRole'), ...ofKind<Role>(objects, 'Role')]) {
      for (const { apiGroups, resources, verbs } of role.rules) {
        const words = [...apiGroups, ...resources, ...verbs];
        assert.ok(!words.includes('*') && !resources.includes('secrets'), `${what}: ${words.join(' ')}`);
      }
    }
    for (const { spec } of allWorkloads(objects)) {
      assert.equal(spec.template.spec.automountServiceAccountToken, false);
      for (const { name, volumeMounts } of spec.template.spec.containers) {
        const hasToken = volumeMounts.some((mount) => mount.name === 'api-access');
        const talksToApi = ['provisioner', 'attacher', 'resizer', 'snapshotter'].includes(name);
        assert.equal(hasToken, talksToApi, `${what}: ${name}`);
      }
    }
  }
});

interface Role extends KubernetesObject {
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

test('only the node plugin is privileged, and every other container drops what it does not need', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  for (const { what, flags } of allWays) {
    const containers = allWorkloads(objectsOf(await template(flags))).flatMap(({ kind, spec }) =>
      spec.template.spec.containers.filter(({ name }) => kind !== 'DaemonSet' || name !== 'berth'),
    );
    for (const { name, securityContext } of containers) {
      assert.notEqual(securityContext?.privileged, true, `${what}: ${name}`);
      assert.deepEqual(securityContext?.capabilities?.drop, ['ALL'], `${what}: ${name}`);
      if (name !== 'berth') assert.equal(securityContext?.capabilities?.add, undefined, `${what}: ${name}`);
    }
  }
});

test('a local pool keeps Berth on its node, with its directory at the same path', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  const { controller, node } = workloads(objectsOf(await template(valuesOf('single-node'))));
  assert.equal(controller.spec.replicas, 1);
  for (const workload of [controller, node]) {
    assert.equal(workload.spec.template.spec.nodeSelector['kubernetes.io/hostname'], 'box');
    const { volumeMounts } = containerOf(workload, 'berth');
    assert.ok(volumeMounts.some(({ mountPath }) => mountPath === '/var/lib/berth/scratch'));
  }
  assert.equal(controller.spec.template.spec.nodeSelector.disk, 'big');
});

test('with local pools of their own, nodes are controllers, and nothing else is', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  const objects = objectsOf(await template(valuesOf('per-node')));
  assert.equal(allWorkloads(objects).length, 1);
  const node = theOnly<Workload>(objects, 'DaemonSet');
  const { args, volumeMounts } = containerOf(node, 'berth');
  assert.equal(args[0], 'local');
  assert.ok(volumeMounts.some(({ mountPath }) => mountPath === '/var/lib/berth-disk'));
  for (const flag of ['--node-deployment', '--enable-capacity']) {
    assert.ok(containerOf(node, 'provisioner').args.includes(flag), flag);
  }
  const names = node.spec.template.spec.containers.map(({ name }) => name);
  assert.deepEqual(names, ['berth', 'provisioner', 'resizer']);
  const { spec } = theOnly<KubernetesObject & { spec: Record<string, unknown> }>(objects, 'CSIDriver');
  assert.deepEqual([spec.attachRequired, spec.storageCapacity], [false, true]);
  const classes = ofKind<StorageClass>(objects, 'StorageClass');
  assert.deepEqual(classes.map(({ metadata }) => metadata.name).sort(), ['berth-local', 'berth-local-ext4']);
  for (const { volumeBindingMode } of classes) assert.equal(volumeBindingMode, 'WaitForFirstConsumer');
});

test('the node plugin registers itself, unless the sidecar does', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  const cases = [
    { flags: twoValues, itself: true },
    { flags: [...twoValues, '--kube-version', '1.29.0'], itself: true },
    { flags: [...twoValues, '--kube-version', '1.28.9'], itself: false },
    { flags: valuesOf('sidecars'), itself: false },
  ];
  for (const { flags, itself } of cases) {
    const { node } = workloads(objectsOf(await template(flags)));
    const { args } = containerOf(node, 'berth');
    const registers = args.some((arg) => arg.startsWith('--registration-dir='));
    const names = node.spec.template.spec.containers.map(({ name }) => name);
    assert.deepEqual([registers, names.includes('registrar')], [itself, !itself], flags.join(' '));
  }
});

test('PodMonitors scrape ports that the pods have, at every address', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  const monitored = ['--set', 'metrics.address=', '--set', 'metrics.podMonitor.enabled=true'];
  const objects = objectsOf(await template([...twoValues, ...monitored]));
  const { controller, node } = workloads(objects);
  for (const { metadata, spec } of ofKind<PodMonitor>(objects, 'PodMonitor')) {
    const workload = metadata.name === 'berth-node' ? node : controller;
    const ports = workload.spec.template.spec.containers.flatMap((container) => {
      assert.ok(
        container.args.some((arg) => /^--http(-endpoint)?=:\d+$/.test(arg)),
        container.args.join(' '),
      );
      return container.ports?.map(({ name }) => name) ?? [];
    });
    assert.deepEqual(spec.podMetricsEndpoints.map(({ port }) => port).sort(), ports.sort());
  }
  assert.equal(ofKind(objects, 'PodMonitor').length, 2);
});

test('the controller in a network of its own lets only those in who may scrape it', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  const scraper = 'networkPolicy.from[0].namespaceSelector.matchLabels.team=monitoring';
  const ownNetwork = [...twoValues, '--set', 'controller.hostNetwork=false'];
  const monitored = [...ownNetwork, '--set', 'metrics.address=', '--set', 'metrics.podMonitor.enabled=true'];
  const ingress = async (flags: readonly string[]) =>
    ofKind<NetworkPolicy>(objectsOf(await template(flags)), 'NetworkPolicy').map(({ spec }) => spec.ingress);
  assert.deepEqual(await ingress(twoValues), []);
  assert.deepEqual(await ingress([...ownNetwork, '--set', scraper]), [[]]);
  const [[open] = []] = await ingress(monitored);
  const [[narrowed] = []] = await ingress([...monitored, '--set', scraper]);
  assert.equal(open?.ports.length, 4);
  assert.equal(open?.from, undefined);
  assert.deepEqual(narrowed?.ports, open?.ports);
  assert.deepEqual(narrowed?.from, [{ namespaceSelector: { matchLabels: { team: 'monitoring' } } }]);
});

interface NetworkPolicy extends KubernetesObject {
  readonly spec: { readonly ingress: readonly { readonly ports: unknown[]; readonly from?: unknown[] }[] };
}

interface PodMonitor extends KubernetesObject {
  readonly spec: { readonly podMetricsEndpoints: readonly { readonly port: string }[] };
}

test('Kubernetes before 1.30 gets the AppArmor profile as an annotation', async (t) => {
  if (!(await requireGoTool(t, 'helm 4'))) return;
  for (const [version, annotation] of [
    ['1.29.4', 'unconfined'],
    ['1.30.0', undefined],
  ] as const) {
    const text = await template([...twoValues, '--kube-version', version]);
    const { metadata } = workloads(objectsOf(text)).controller.spec.template;
    const key = 'container.apparmor.security.beta.kubernetes.io/berth';
    assert.equal(metadata.annotations?.[key], annotation);
    assert.equal(text.includes('appArmorProfile:'), annotation === undefined);
  }
});
