import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { attachLoop, backingFile } from '../../src/host/loop.ts';
import { cleanUp } from './clean-up.ts';

export const mebibyte = 1024 * 1024;

/** Makes a sparse file; no loop device may have it at the end of the test. */
export async function imageFile(t: TestContext, directory: string, size: number): Promise<string> {
  const file = join(directory, 'disk.img');
  await writeFile(file, '', { flag: 'wx', mode: 0o600 });
  await truncate(file, size);
  cleanUp(t, async () => {
    const left = loopsBelow(directory);
    for (const device of left) await execa({ reject: false })`losetup --detach ${device}`;
    assert.deepEqual(left, [], 'loop devices are left');
  });
  return file;
}

/** The loop devices whose file is in this directory, those over them first. */
export function loopsBelow(directory: string): string[] {
  const loops = readdirSync('/sys/block')
    .filter((name) => name.startsWith('loop'))
    .map((name) => `/dev/${name}`);
  const below = loops.filter((device) => backingFile(device)?.startsWith(`${directory}/`));
  return [...loops.filter((device) => below.includes(backingFile(device) ?? '')), ...below];
}

/** Gives the file a loop device until the end of the test. */
export async function loopDevice(
  t: TestContext,
  file: string,
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): Promise<string> {
  const device = await attachLoop(file, { readOnly, timeoutMs: 30_000 });
  cleanUp(t, async () => {
    if (backingFile(device) !== undefined) await execa`losetup --detach ${device}`;
  });
  return device;
}

/** Whether the device reads and writes its file past the page cache. */
export function isDirect(device: string): boolean {
  return readFileSync(`/sys/block/${device.slice('/dev/'.length)}/loop/dio`, 'utf8').trim() === '1';
}
