import assert from 'node:assert/strict';
import { type NodeName, nodeNames } from '../bed/addresses.ts';
import { pathOf } from '../bed/export.ts';
import { giveUp, takeBack } from '../bed/out-of-service.ts';
import { type Scenario, scenario } from '../bed/scenario.ts';

/** A MariaDB of the examples, by the name of its StatefulSet. */
export class Database {
  readonly #scenario: Scenario;
  readonly pod: string;
  readonly #inserted: string[] = [];

  constructor(scenario: Scenario, name: string) {
    this.#scenario = scenario;
    this.pod = `${name}-0`;
  }

  async insert(word: string): Promise<void> {
    await this.#sql(
      'CREATE DATABASE IF NOT EXISTS shop; CREATE TABLE IF NOT EXISTS shop.words (word VARCHAR(40))',
    );
    await this.#sql(`INSERT INTO shop.words VALUES ('${word}')`);
    this.#inserted.push(word);
  }

  async words(): Promise<string[]> {
    return (await this.#sql('SELECT word FROM shop.words ORDER BY word')).split('\n');
  }

  async hasAll(): Promise<void> {
    assert.deepEqual(await this.words(), this.#inserted, this.pod);
  }

  #sql(statement: string): Promise<string> {
    const client = 'mariadb -h 127.0.0.1 -u root -p"$MARIADB_ROOT_PASSWORD" --batch --skip-column-names';
    return this.exec(`${client} --execute="${statement}"`);
  }

  exec(command: string): Promise<string> {
    return this.#scenario.exec(this.pod, command);
  }

  /** Deletes its pod, and waits until another one is ready. */
  async restart(): Promise<void> {
    const uid = await this.#scenario.uid(this.pod);
    await this.#scenario.run(['delete', 'pod', this.pod]);
    await this.#scenario.replaced(this.pod, uid);
  }
}

/**
 * Gives up the node that has these databases, and waits until each is ready on the other one. Returns the old pods'
 * uids.
 */
async function moveAway(s: Scenario, lost: NodeName, databases: readonly Database[]): Promise<string[]> {
  const uids = await Promise.all(databases.map(({ pod }) => s.uid(pod)));
  await giveUp(s.cluster, lost);
  for (const [index, { pod }] of databases.entries()) {
    await s.replaced(pod, uids[index] ?? '');
    assert.notEqual(await s.nodeOf(pod), lost);
  }
  return uids;
}

/** The node that has the databases, all of them. */
async function nodeOf(s: Scenario, databases: readonly Database[]): Promise<NodeName> {
  const [name, ...others] = new Set(await Promise.all(databases.map(({ pod }) => s.nodeOf(pod))));
  assert.ok(name !== undefined && others.length === 0);
  return name;
}

// One story of both, since making a database, and losing a node, take an emulated machine minutes.
export const database = scenario(
  'a database keeps its data on a directory and on ext4, whatever becomes of its pod, its StatefulSet and its node',
  async (s) => {
    const [onDirectory, onExt4] = [new Database(s, 'mariadb'), new Database(s, 'orders')];
    const databases = [onDirectory, onExt4];
    const [, other] = nodeNames;
    await s.run(['cordon', other]);
    try {
      for (const example of ['mariadb', 'database-on-ext4']) await s.example(example);
      for (const { pod } of databases) await s.ready(pod);
      for (const each of databases) await each.insert('1 first');

      s.tell('its pod is deleted');
      await onDirectory.restart();
      await onDirectory.hasAll();
      await onDirectory.insert('2 after the pod');

      s.tell('its StatefulSet is deleted, and made again');
      await s.run(['delete', 'statefulset', 'mariadb', '--cascade=foreground']);
      await s.gone(['pod', 'mariadb-0']);
      await s.example('mariadb');
      await s.ready('mariadb-0');
      await onDirectory.hasAll();
      await onDirectory.insert('3 after the StatefulSet');
    } finally {
      await s.run(['uncordon', other]);
    }

    s.tell('its node loses power');
    const unpowered = await nodeOf(s, databases);
    await s.cluster.nodes[unpowered].powerOff();
    await moveAway(s, unpowered, databases);
    for (const each of databases) await each.hasAll();
    for (const each of databases) await each.insert('4 elsewhere');
    await s.cluster.nodes[unpowered].start();
    await takeBack(s.cluster, unpowered);

    s.tell('its node is cut off, and comes back');
    const cutOff = await nodeOf(s, databases);
    // Writes for as long as it lives, next to the database and to the same filesystem.
    const noise = '/var/lib/mysql/noise';
    await onExt4.exec(
      `while dd if=/dev/urandom of=${noise} bs=1M count=16 conv=notrunc,fsync status=none; do :; done >/dev/null 2>&1 &`,
    );
    await onExt4.exec(`until [ "$(stat -c %s ${noise})" = 16777216 ]; do sleep 0.2; done`);
    await s.cluster.nodes[cutOff].cutOff();
    const uids = await moveAway(s, cutOff, databases);
    for (const each of databases) await each.hasAll();
    for (const each of databases) await each.insert('5 back again');
    // Written on the new node, and changed by nobody there: the database itself changes its files when it starts.
    const file = '/var/lib/mysql/of-the-new-node';
    await onExt4.exec(`rm ${noise} && head -c 8M /dev/urandom > ${file} && sync`);
    const sum = await onExt4.exec(`sha256sum ${file}`);
    const node = s.cluster.nodes[cutOff];
    await node.reconnect();
    await takeBack(s.cluster, cutOff);
    // kubelet tears down what it has of the pods that were given up.
    for (const uid of uids)
      await node.run(`until ! grep -q ${uid} /proc/self/mounts; do sleep 0.5; done`, 180);
    for (const each of databases) await each.hasAll();
    // From the disk, not from the memory of who wrote it.
    await onExt4.restart();
    assert.equal(await onExt4.exec(`sha256sum ${file}`), sum);
    await onExt4.hasAll();
    const folder = await pathOf(s.kubectl, await s.bound('data-orders-0'));
    assert.match(await s.cluster.server.run(`ls ${folder}`), /^disk-\S{8}\.img$/);
  },
);
