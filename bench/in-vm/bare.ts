// Runs inside a host of the bed: what mkdir and mount take there without any driver. Prints JSON.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmdirSync } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';
import { rate, timed } from '../statistics.ts';

const [source = ''] = process.argv.slice(2);
const share = '/mnt/bare';
const bind = '/mnt/bare-bind';

async function command(...words: string[]): Promise<void> {
  const [file = '', ...rest] = words;
  const [status] = await once(spawn(file, rest, { stdio: ['ignore', 'ignore', 'inherit'] }), 'exit');
  if (status !== 0) throw new Error(`${words.join(' ')} ended with status ${status}`);
}

mkdirSync(share, { recursive: true });
mkdirSync(bind, { recursive: true });
const mount = await timed(() => command('mount', '-t', 'nfs', '-o', 'nfsvers=4.2', source, share));
const bindMount = await timed(() => command('mount', '--bind', share, bind));
await command('umount', bind);
const count = 60;
const path = (index: number): string => `${share}/bare-${process.pid}-${index}`;
const mkdirs = await rate(1, count, (index) => mkdir(path(index)));
for (let index = 0; index < count; index += 1) await rmdir(path(index));
const mkdirs8 = await rate(8, count, (index) => mkdir(path(index)));
for (let index = 0; index < count; index += 1) await rmdir(path(index));
await command('umount', share);
rmdirSync(bind);
console.log(JSON.stringify({ mount, bindMount, mkdirs, mkdirs8 }));
