import assert from 'node:assert/strict';
import type { NodeName } from '../bed/addresses.ts';
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

/** Waits until the node is given up and the database is ready on the other one. */
async function movesFrom(s: Scenario, lost: NodeName, uid: string): Promise<void> {
  await giveUp(s.cluster, lost);
  await s.replaced('mariadb-0', uid);
  assert.notEqual(await s.nodeOf('mariadb-0'), lost);
}

// One story, since making a database takes an emulated machine a minute.
export const database = scenario(
  'a database keeps its data, whatever becomes of its pod, its StatefulSet and its node',
  async (s) => {
    await s.example('mariadb');
    await s.ready('mariadb-0');
    await insert(s, '1 first');

    s.tell('its pod is deleted');
    const first = await s.uid('mariadb-0');
    await s.run(['delete', 'pod', 'mariadb-0']);
    await s.replaced('mariadb-0', first);
    assert.deepEqual(await words(s), ['1 first']);
    await insert(s, '2 after the pod');

    s.tell('its StatefulSet is deleted, and made again');
    await s.run(['delete', 'statefulset', 'mariadb', '--cascade=foreground']);
    await s.gone(['pod', 'mariadb-0']);
    await s.example('mariadb');
    await s.ready('mariadb-0');
    assert.deepEqual(await words(s), ['1 first', '2 after the pod']);
    await insert(s, '3 after the StatefulSet');

    s.tell('its node loses power');
    const [unpowered, second] = [await s.nodeOf('mariadb-0'), await s.uid('mariadb-0')];
    await s.cluster.nodes[unpowered].powerOff();
    await movesFrom(s, unpowered, second);
    assert.deepEqual(await words(s), ['1 first', '2 after the pod', '3 after the StatefulSet']);
    await insert(s, '4 elsewhere');
    await s.cluster.nodes[unpowered].start();
    await takeBack(s.cluster, unpowered);

    s.tell('its node is cut off, and comes back');
    const [cutOff, third] = [await s.nodeOf('mariadb-0'), await s.uid('mariadb-0')];
    const node = s.cluster.nodes[cutOff];
    await node.cutOff();
    await movesFrom(s, cutOff, third);
    const expected = ['1 first', '2 after the pod', '3 after the StatefulSet', '4 elsewhere'];
    assert.deepEqual(await words(s), expected);
    await insert(s, '5 back again');
    await node.reconnect();
    await takeBack(s.cluster, cutOff);
    // kubelet tears down what it has of the pod that was given up.
    await node.run(`until ! grep -q ${third} /proc/self/mounts; do sleep 0.5; done`, 180);
    assert.deepEqual(await words(s), [...expected, '5 back again']);
  },
);
