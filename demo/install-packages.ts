import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { ensurePackages, missingPackages, vmPackages } from '../test/setup/debian-packages.ts';

/** Installs what the VM needs and a Debian lacks, where its owner does not mind; else says why it is not there. */
export async function installPackages(say: (...lines: string[]) => void): Promise<void> {
  if (!existsSync('/usr/bin/dpkg-query')) return;
  const missing = await missingPackages(vmPackages);
  if (missing.length === 0) return;
  say('', `The VM needs these Debian packages: ${missing.join(' ')}`);
  if (process.stdin.isTTY && !(await agreed())) return;
  const problem = await ensurePackages(vmPackages);
  for (const line of problem?.split('\n').slice(0, 12) ?? []) say(line);
}

async function agreed(): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question('  Install them with apt-get? [Y/n] ');
  terminal.close();
  return !/^n/i.test(answer.trim());
}
