// What the HTTP pages tell while a server is cut off.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused } from '../../csi/refused.ts';
import { code, request } from '../../csi/requests.ts';
import { a, BerthProcess, c, type Host, nas, nas2, nfsPool, waitFor } from '../guest/bed.ts';

/** Asks over HTTP from within the host; a page that does not come within 10 s is an error. */
async function ask(host: Host, berth: BerthProcess, path: string): Promise<{ status: number; text: string }> {
  const address = await waitFor('it serves HTTP', () => /"http":"([^"]+)"/.exec(berth.output)?.[1]);
  const script = `fetch('http://${address}${path}', { signal: AbortSignal.timeout(10_000) })
    .then(async (answer) => console.log(JSON.stringify({ status: answer.status, text: await answer.text() })))`;
  return JSON.parse(await host.run(process.execPath, '-e', script)) as { status: number; text: string };
}

test('every page answers while a server is cut off, and tells which pool it is', async (t) => {
  const config = { pools: { nas: nfsPool(nas), other: nfsPool(nas2) } };
  const flags = ['--http', '127.0.0.1:0'];
  const controller = await BerthProcess.start(c, { mode: 'controller', config, flags });
  t.after(() => controller.kill());
  const shows = (sample: string) =>
    waitFor(
      sample,
      async () => (await ask(c, controller, '/metrics')).text.includes(`\n${sample}\n`),
      120_000,
    );
  await shows('berth_pool_up{pool="nas"} 1');
  await shows('berth_pool_up{pool="other"} 1');
  assert.match(
    (await ask(c, controller, '/metrics')).text,
    /^berth_pool_mount_seconds_count\{pool="nas",operation="mount",result="ok"\} 1$/m,
  );
  await nas.cut();
  t.after(() => nas.restore());
  // Under way while the server is dead, and given up by the gate.
  const given = refused(
    controller.client.Controller.CreateVolume(request('x', { pool: 'nas' })),
    code.unavailable,
  );
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    assert.equal((await ask(c, controller, path)).status, 200, path);
  }
  await given;
  await shows('berth_pool_up{pool="nas"} 0');
  await shows('berth_pool_breaker_open{pool="nas"} 1');
  const { text } = await ask(c, controller, '/metrics');
  assert.match(text, /^berth_pool_up\{pool="other"\} 1$/m);
  assert.doesNotMatch(text, /^berth_pool_capacity_bytes\{pool="nas"\}/m);
  const ready = await ask(c, controller, '/readyz');
  assert.equal(ready.status, 200);
  assert.match(ready.text, /^ready\npool nas: down: The pool nas .*\npool other: up\n$/);
  assert.deepEqual(await ask(c, controller, '/healthz'), { status: 200, text: 'ok\n' });

  // A node that starts meanwhile: it reaches one pool, which is enough, and says which it does not.
  const node = await BerthProcess.start(a, { mode: 'node', config, flags });
  t.after(() => node.kill());
  await waitFor(
    'the node has reached the other pool',
    async () => (await ask(a, node, '/readyz')).status === 200,
  );
  await waitFor('the node knows that it does not reach the first', async () =>
    /^pool nas: down/m.test((await ask(a, node, '/readyz')).text),
  );
  assert.equal((await ask(a, node, '/healthz')).status, 200);
  assert.match((await ask(a, node, '/metrics')).text, /^berth_node_announced\{pool="nas"\} 0$/m);

  await nas.restore();
  await shows('berth_pool_up{pool="nas"} 1');
  await shows('berth_pool_breaker_open{pool="nas"} 0');
  await waitFor(
    'the node announces itself',
    async () => /^berth_node_announced\{pool="nas"\} 1$/m.test((await ask(a, node, '/metrics')).text),
    180_000,
  );
  for (const berth of [controller, node]) assert.equal(await berth.stop(), 0, berth.output.slice(-5_000));
});
