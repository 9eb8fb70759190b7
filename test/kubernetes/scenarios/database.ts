import assert from 'node:assert/strict';
import { giveUp, takeBack } from '../bed/out-of-service.ts';
import { type Scenario, scenario } from '../bed/scenario.ts';

async function sql(s: Scenario, statement: string): Promise<string> {
  const client = 'mariadb -h 127.0.0.1 -u root -p"$MARIADB_ROOT_PASSWORD" --batch --skip-column-names';
  return s.exec('mariadb-0', `${client} --execute="${statement}"`);
}

async function insert(s: Scenario, word: string): Promise<void> {
  await sql(
    s,
    'CREATE DATABASE IF NOT EXISTS shop; CREATE TABLE IF NOT EXISTS shop.words (word VARCHAR(40))',
  );
  await sql(s, `INSERT INTO shop.words VALUES ('${word}')`);
}

async function words(s: Scenario): Promise<string[]> {
  return (await sql(s, 'SELECT word FROM shop.words ORDER BY word')).split('\n');
}

scenario('a database keeps its data when its pod, and then its StatefulSet, is deleted', async (s) => {
  await s.example('mariadb');
  await s.ready('mariadb-0');
  await insert(s, 'first');
  const old = await s.uid('mariadb-0');
  await s.run(['delete', 'pod', 'mariadb-0']);
  await s.replaced('mariadb-0', old);
  assert.deepEqual(await words(s), ['first']);
  await insert(s, 'second');
  await s.run(['delete', 'statefulset', 'mariadb', '--cascade=foreground']);
  await s.gone(['pod', 'mariadb-0']);
  await s.example('mariadb');
  await s.ready('mariadb-0');
  assert.deepEqual(await words(s), ['first', 'second']);
});

scenario('a database whose node lost power goes on, on the other node', async (s) => {
  await s.example('mariadb');
  await s.ready('mariadb-0');
  await insert(s, 'before');
  const [lost, old] = [await s.nodeOf('mariadb-0'), await s.uid('mariadb-0')];
  await s.cluster.nodes[lost].powerOff();
  await giveUp(s.cluster, lost);
  await s.replaced('mariadb-0', old);
  assert.notEqual(await s.nodeOf('mariadb-0'), lost);
  assert.deepEqual(await words(s), ['before']);
  await insert(s, 'elsewhere');
  await s.cluster.nodes[lost].start();
  await takeBack(s.cluster, lost);
  assert.deepEqual(await words(s), ['before', 'elsewhere']);
});

scenario(
  'a database whose node was cut off goes on, on the other node, and the node comes back',
  async (s) => {
    await s.example('mariadb');
    await s.ready('mariadb-0');
    await insert(s, 'before');
    const [lost, old] = [await s.nodeOf('mariadb-0'), await s.uid('mariadb-0')];
    const node = s.cluster.nodes[lost];
    await node.cutOff();
    await giveUp(s.cluster, lost);
    await s.replaced('mariadb-0', old);
    assert.notEqual(await s.nodeOf('mariadb-0'), lost);
    assert.deepEqual(await words(s), ['before']);
    await insert(s, 'elsewhere');
    await node.reconnect();
    await takeBack(s.cluster, lost);
    // kubelet tears down what it has of the pod that was given up.
    await node.run(`until ! grep -q ${old} /proc/self/mounts; do sleep 0.5; done`, 180);
    assert.deepEqual(await words(s), ['before', 'elsewhere']);
  },
);
