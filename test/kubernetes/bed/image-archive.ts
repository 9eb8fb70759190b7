// Container images made by hand, in the format of `docker save`: no registry is needed to start a pod.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';

export interface ImageContent {
  readonly tags: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  /** Fills the root directory of the image. */
  readonly fill: (root: string) => Promise<void>;
}

/** Writes the image to `file`, which is there whole or not at all. */
export async function writeImage(
  file: string,
  { tags, entrypoint, command, fill }: ImageContent,
): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  // Beside the file, since /tmp may be too small for a root filesystem.
  const work = await mkdtemp(`${file}.`);
  try {
    const root = join(work, 'root');
    const layer = join(work, 'layer.tar');
    await mkdir(root);
    await fill(root);
    await execa`tar --directory ${root} --numeric-owner --create --file ${layer} .`;
    const config = {
      architecture: 'amd64',
      os: 'linux',
      config: {
        Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
        ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
        ...(command === undefined ? {} : { Cmd: command }),
      },
      rootfs: { type: 'layers', diff_ids: [`sha256:${await sha256(layer)}`] },
    };
    const manifest = [{ Config: 'config.json', RepoTags: tags, Layers: ['layer.tar'] }];
    await writeFile(join(work, 'config.json'), JSON.stringify(config));
    await writeFile(join(work, 'manifest.json'), JSON.stringify(manifest));
    const whole = join(work, 'image.tar');
    await execa`tar --directory ${work} --create --file ${whole} manifest.json config.json layer.tar`;
    await rename(whole, file);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
