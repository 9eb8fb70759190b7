import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, credentials } from '@grpc/grpc-js';
import { execa } from 'execa';
import { services } from '../src/wire/csi.ts';

const launcher = fileURLToPath(new URL('../bin/berth', import.meta.url));

/**
 * Starts each role once and has it answer, so that V8's compiled code of what it ran is kept beside the bundle, where
 * bin/start.cjs takes it from. It halves the time to the first answer.
 */
export async function keepCompiledCode(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-build-'));
  try {
    const config = join(directory, 'config.yaml');
    await writeFile(config, `pools: { warm: { local: { path: ${directory}/pool } } }\n`);
    await mkdir(join(directory, 'registration'));
    for (const role of ['controller', 'node', 'all']) await runOnce(role, directory, config);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Runs one role until it has answered; the code is kept at the end of the process. */
async function runOnce(role: string, directory: string, config: string): Promise<void> {
  const socket = join(directory, 'csi.sock');
  const flags = ['--endpoint', `unix://${socket}`, '--config', config, '--node-id', 'build'];
  flags.push('--registration-dir', join(directory, 'registration'), '--http', '127.0.0.1:0');
  const driver = execa(launcher, [role, ...flags, '--state-dir', directory], {
    env: { BERTH_NODE_BINARY: process.execPath, BERTH_KEEP_COMPILED_CODE: 'yes' },
    timeout: 60_000,
    buffer: { stdout: false },
  });
  for await (const line of createInterface(driver.stdout)) {
    if (!line.includes('"serving"')) continue;
    await probe(socket);
    await scrape(line);
    driver.kill('SIGTERM');
  }
  await driver;
}

/** Asks what kubelet and Prometheus will ask, at the address in the line that the driver has logged. */
async function scrape(line: string): Promise<void> {
  const { http } = JSON.parse(line) as { http: string };
  for (const path of ['healthz', 'readyz', 'metrics']) await (await fetch(`http://${http}/${path}`)).text();
}

function probe(socket: string): Promise<void> {
  const client = new Client(`unix:${socket}`, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = services.Identity.Probe;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, (error) => {
      client.close();
      if (error) reject(error);
      else resolve();
    });
  });
}
