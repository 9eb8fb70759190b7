// npm run bench:kubernetes [-- --peer DIRECTORY]: Berth, and csi-driver-nfs beside it, on one cluster in one run.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Cluster } from '../../test/kubernetes/bed/cluster.ts';
import { basicImages } from '../../test/kubernetes/bed/images.ts';
import { installBerth } from '../../test/kubernetes/bed/install.ts';
import { claim } from '../../test/kubernetes/bed/objects.ts';
import { prepare } from '../../test/kubernetes/bed/prepare.ts';
import { checkout } from '../../test/vm/vm.ts';
import { add, type Samples } from '../figures.ts';
import { median, timed } from '../statistics.ts';
import { formatTable } from '../table.ts';
import { claims, pods } from './load.ts';
import { type Pod, residentMegabytes, type When } from './memory.ts';
import { installPeer, peerClass, writePeerImage } from './peer.ts';

const { values } = parseArgs({
  options: { peer: { type: 'string' }, rounds: { type: 'string', default: '3' } },
});
const rounds = Number(values.rounds);
const claimCount = 40;
const podCount = 8;
const namespace = 'bench';

const archives: string[] = [];
if (values.peer !== undefined) {
  const file = join(checkout, '.cache', 'kubernetes', 'images', 'peer.tar');
  await writePeerImage(file, values.peer);
  archives.push(file);
}
const cluster = await Cluster.start(await prepare(basicImages, archives));
const { kubectl } = cluster;
const here = ['-n', namespace];
const samples: Record<'berth' | 'peer' | 'none', Samples> = { berth: {}, peer: {}, none: {} };

async function measureClaims(who: 'berth' | 'peer', storageClass: string, count: number): Promise<void> {
  const list = claims(count, storageClass);
  const bound = await timed(async () => {
    await kubectl.run([...here, 'apply', '-f', '-'], list);
    const phases = '{range .items[*]}{.status.phase}{"\\n"}{end}';
    await kubectl.until([...here, 'pvc'], phases, new RegExp(`^(Bound\\n?){${count}}$`));
  });
  const gone = await timed(async () => {
    await kubectl.run([...here, 'delete', '--wait=false', '-f', '-'], list);
    await kubectl.gone(['pv']);
  });
  add(samples[who], `${count} claims bound`, bound / 1000);
  add(samples[who], `${count} claims and their volumes gone`, gone / 1000);
}

async function measurePods(who: 'berth' | 'peer' | 'none', claimName?: string): Promise<void> {
  const list = pods(podCount, 'a', claimName);
  const ready = await timed(async () => {
    await kubectl.run([...here, 'apply', '-f', '-'], list);
    const conditions = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{" "}{end}';
    await kubectl.until([...here, 'pods'], conditions, 'True '.repeat(podCount));
  });
  const gone = await timed(async () => {
    await kubectl.run([...here, 'delete', '--wait=false', '-f', '-'], list);
    await kubectl.gone([...here, 'pods']);
  });
  add(samples[who], `${podCount} pods ready`, ready / 1000);
  add(samples[who], `${podCount} pods gone`, gone / 1000);
}

async function measureMemory(label: string, when: When): Promise<void> {
  const measure = async (who: 'berth' | 'peer', what: string, pod: Pod) =>
    add(samples[who], `${what}, ${label}`, await residentMegabytes(cluster, pod, when));
  await measure('berth', 'node pod', 'nodeOfBerth');
  await measure('berth', 'controller', 'controllerOfBerth');
  if (values.peer !== undefined) await measure('peer', 'node pod', 'nodeOfPeer');
}

try {
  await installBerth(cluster);
  const provisioner = '{.items[0].spec.template.spec.containers[?(@.name=="provisioner")].args}';
  const flags = JSON.parse(
    await kubectl.value(['-n', 'berth-system', 'statefulset'], provisioner),
  ) as string[];
  const same = flags.filter((flag) => /^--(kube-api|worker-threads|timeout|retry-interval)/.test(flag));
  if (values.peer !== undefined) await installPeer(cluster, same);
  await kubectl.run(['create', 'namespace', namespace]);
  const drivers =
    values.peer === undefined
      ? ([['berth', 'berth']] as const)
      : ([
          ['berth', 'berth'],
          ['peer', peerClass],
        ] as const);
  await measureMemory('idle', 'now');
  for (let round = 1; round <= rounds; round += 1) {
    console.log(`round ${round}`);
    for (const [who, storageClass] of drivers) await measureClaims(who, storageClass, claimCount);
  }
  for (const [who, storageClass] of drivers) {
    await kubectl.run(
      [...here, 'apply', '-f', '-'],
      JSON.stringify(claim(`shared-${who}`, { storageClassName: storageClass })),
    );
    await kubectl.until([...here, 'pvc', `shared-${who}`], '{.status.phase}', 'Bound');
  }
  // The first ones bring the image's files into memory.
  await measurePods('none');
  samples.none = {};
  for (let round = 1; round <= rounds; round += 1) {
    console.log(`round ${round} of pods`);
    await measurePods('none');
    for (const [who] of drivers) await measurePods(who, `shared-${who}`);
  }
  for (const [who] of drivers) await kubectl.run([...here, 'delete', 'pvc', `shared-${who}`]);
  await kubectl.gone(['pv']);
  for (const [who, storageClass] of drivers) {
    await measureClaims(who, storageClass, 200);
  }
  await measureMemory('after 200 claims', 'now');
  await measureMemory('at most', 'peak');
  for (const [who] of drivers) {
    for (const what of ['ready', 'gone'].map((state) => `${podCount} pods ${state}`)) {
      const [ours, bare] = [samples[who][what], samples.none[what]];
      if (ours !== undefined && bare !== undefined) {
        add(samples[who], `${what}: added by the volume`, median(ours) - median(bare));
      }
    }
  }
  const names = [...new Set(Object.values(samples).flatMap((each) => Object.keys(each)))];
  const cell = (each: Samples, name: string) => each[name]?.map((value) => value.toFixed(1)).join(' ') ?? '';
  const ratio = (name: string) => {
    const [one, other] = [samples.berth[name], samples.peer[name]];
    return one === undefined || other === undefined ? '' : (median(one) / median(other)).toFixed(2);
  };
  console.log(
    formatTable(
      ['what (s, MB)', 'Berth', 'csi-driver-nfs', 'no volume', 'ratio of medians'],
      names.map((name) => [
        name,
        cell(samples.berth, name),
        cell(samples.peer, name),
        cell(samples.none, name),
        ratio(name),
      ]),
    ),
  );
} finally {
  await cluster.stop();
}
