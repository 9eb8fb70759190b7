// The rounds that each contestant runs in turn, so that a change of the machine's load meets both.
import { mkdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nas } from '../../test/vm/guest/bed.ts';
import {
  type Contestant,
  type CreatedVolume,
  createVolume,
  deleteVolume,
  directoryOf,
  firstPod,
  furtherPod,
  lastPodGone,
  newName,
} from '../contestant.ts';
import { add, type Samples } from '../figures.ts';
import { rate, timed } from '../statistics.ts';

/** CreateVolume and DeleteVolume of empty volumes, one after the other and eight in flight. */
export async function createAndDelete(
  contestant: Contestant,
  samples: Samples,
  counts: { readonly alone: number; readonly atEight: number },
): Promise<void> {
  const alone: CreatedVolume[] = [];
  for (let index = 0; index < counts.alone; index += 1) {
    const name = newName();
    add(samples, 'create', await timed(async () => alone.push(await createVolume(contestant, name))));
  }
  for (const { id } of alone) add(samples, 'delete', await timed(() => deleteVolume(contestant, id)));

  const eight: CreatedVolume[] = [];
  add(
    samples,
    'create at 8',
    await rate(8, counts.atEight, async () => eight.push(await createVolume(contestant, newName()))),
  );
  add(
    samples,
    'delete at 8',
    await rate(8, eight.length, async (index) => deleteVolume(contestant, eight[index]?.id ?? '')),
  );
}

/** DeleteVolume of a volume with 5,000 files; they are made on the server, past NFS. */
export async function deleteFull(contestant: Contestant, samples: Samples): Promise<void> {
  const name = newName();
  const volume = await createVolume(contestant, name);
  const directory = join(nas.export, directoryOf(volume, name));
  for (let folder = 0; folder < 50; folder += 1) {
    await mkdir(`${directory}/${folder}`);
    await Promise.all(
      Array.from({ length: 100 }, (_, file) => writeFile(`${directory}/${folder}/${file}`, '')),
    );
  }
  add(samples, 'delete 5,000 files', await timed(() => deleteVolume(contestant, volume.id)));
}

/** Pods of two volumes come to a node that has nothing of the pool mounted, and go again. */
export async function pods(
  contestant: Contestant,
  samples: Samples,
  volumes: readonly [CreatedVolume, CreatedVolume],
  directory: string,
): Promise<void> {
  const [one, two] = volumes;
  const at = (name: string): string => {
    // kubelet makes the staging path and the parent of the target.
    mkdirSync(join(directory, name), { recursive: true });
    return join(directory, name);
  };
  const target = (name: string): string => join(at(name), 'mount');
  const staging = at('staging-1');
  const [first, second, other] = [target('pod-1'), target('pod-2'), target('pod-3')];
  add(samples, 'first pod', await timed(() => firstPod(contestant, one, { staging, target: first })));
  add(samples, 'further pod', await timed(() => furtherPod(contestant, one, { staging, target: second })));
  const staging2 = at('staging-2');
  add(
    samples,
    'first pod of a further volume',
    await timed(() => firstPod(contestant, two, { staging: staging2, target: other })),
  );
  await lastPodGone(contestant, two, { staging: staging2, targets: [other] });
  add(
    samples,
    'both pods gone',
    await timed(() => lastPodGone(contestant, one, { staging, targets: [first, second] })),
  );
}
