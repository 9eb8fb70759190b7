import assert from 'node:assert/strict';
import type { NodeName } from '../bed/addresses.ts';
import { pathOf } from '../bed/export.ts';
import { giveUp, takeBack } from '../bed/out-of-service.ts';
import { type Scenario, scenario } from '../bed/scenario.ts';

/** A MariaDB of the examples, by the name of its StatefulSet. */
class Database {
  readonly #scenario: Scenario;
  readonly pod: string;

  constructor(scenario: Scenario, name: string) {
    this.#scenario = scenario;
    this.pod = `${name}-0`;
  }

  async insert(word: string): Promise<void> {
    await this.sql(
      'CREATE DATABASE IF NOT EXISTS shop; CREATE TABLE IF NOT EXISTS shop.words (word VARCHAR(40))',
    );
    await this.sql(`INSERT INTO shop.words VALUES ('${word}')`);
  }

  async words(): Promise<string[]> {
    return (await this.sql('SELECT word FROM shop.words ORDER BY word')).split('\n');
  }

  sql(statement: string): Promise<string> {
    const client = 'mariadb -h 127.0.0.1 -u root -p"$MARIADB_ROOT_PASSWORD" --batch --skip-column-names';
    return this.#scenario.exec(this.pod, `${client} --execute="${statement}"`);
  }

  /** Waits until the node is given up and the database is ready on the other one. */
  async movesFrom(lost: NodeName, uid: string): Promise<void> {
    await giveUp(this.#scenario.cluster, lost);
    await this.#scenario.replaced(this.pod, uid);
    assert.notEqual(await this.#scenario.nodeOf(this.pod), lost);
  }
}

// One story, since making a database takes an emulated machine a minute.
export const database = scenario(
  'a database keeps its data, whatever becomes of its pod, its StatefulSet and its node',
  async (s) => {
    const database = new Database(s, 'mariadb');
    await s.example('mariadb');
    await s.ready('mariadb-0');
    await database.insert('1 first');

    s.tell('its pod is deleted');
    const first = await s.uid('mariadb-0');
    await s.run(['delete', 'pod', 'mariadb-0']);
    await s.replaced('mariadb-0', first);
    assert.deepEqual(await database.words(), ['1 first']);
    await database.insert('2 after the pod');

    s.tell('its StatefulSet is deleted, and made again');
    await s.run(['delete', 'statefulset', 'mariadb', '--cascade=foreground']);
    await s.gone(['pod', 'mariadb-0']);
    await s.example('mariadb');
    await s.ready('mariadb-0');
    assert.deepEqual(await database.words(), ['1 first', '2 after the pod']);
    await database.insert('3 after the StatefulSet');

    s.tell('its node loses power');
    const [unpowered, second] = [await s.nodeOf('mariadb-0'), await s.uid('mariadb-0')];
    await s.cluster.nodes[unpowered].powerOff();
    await database.movesFrom(unpowered, second);
    assert.deepEqual(await database.words(), ['1 first', '2 after the pod', '3 after the StatefulSet']);
    await database.insert('4 elsewhere');
    await s.cluster.nodes[unpowered].start();
    await takeBack(s.cluster, unpowered);

    s.tell('its node is cut off, and comes back');
    const [cutOff, third] = [await s.nodeOf('mariadb-0'), await s.uid('mariadb-0')];
    const node = s.cluster.nodes[cutOff];
    await node.cutOff();
    await database.movesFrom(cutOff, third);
    const expected = ['1 first', '2 after the pod', '3 after the StatefulSet', '4 elsewhere'];
    assert.deepEqual(await database.words(), expected);
    await database.insert('5 back again');
    await node.reconnect();
    await takeBack(s.cluster, cutOff);
    // kubelet tears down what it has of the pod that was given up.
    await node.run(`until ! grep -q ${third} /proc/self/mounts; do sleep 0.5; done`, 180);
    assert.deepEqual(await database.words(), [...expected, '5 back again']);
  },
);

export const databaseOnExt4 = scenario(
  'a database on ext4 moves from a node that was cut off while it wrote, and that node changes nothing when it is back',
  async (s) => {
    const database = new Database(s, 'orders');
    await s.example('database-on-ext4');
    await s.ready('orders-0');
    await database.insert('1 first');
    const [cutOff, first] = [await s.nodeOf('orders-0'), await s.uid('orders-0')];
    const node = s.cluster.nodes[cutOff];
    // Writes for as long as it lives, next to the database and to the same filesystem.
    await s.exec(
      'orders-0',
      'while dd if=/dev/urandom of=/var/lib/mysql/noise bs=1M count=16 conv=notrunc,fsync status=none; do :; done >/dev/null 2>&1 &',
    );
    await s.exec('orders-0', 'until [ "$(stat -c %s /var/lib/mysql/noise)" = 16777216 ]; do sleep 0.2; done');
    await node.cutOff();
    await database.movesFrom(cutOff, first);
    assert.deepEqual(await database.words(), ['1 first']);
    await database.insert('2 elsewhere');
    // Written on the new node, and changed by nobody there: the database itself changes its files when it starts.
    const file = '/var/lib/mysql/of-the-new-node';
    await s.exec('orders-0', `rm /var/lib/mysql/noise && head -c 8M /dev/urandom > ${file} && sync`);
    const content = `sha256sum ${file}`;
    const sums = await s.exec('orders-0', content);
    await node.reconnect();
    await takeBack(s.cluster, cutOff);
    await node.run(`until ! grep -q ${first} /proc/self/mounts; do sleep 0.5; done`, 180);
    assert.deepEqual(await database.words(), ['1 first', '2 elsewhere']);
    // From the disk, not from the memory of who wrote it.
    const second = await s.uid('orders-0');
    await s.run(['delete', 'pod', 'orders-0']);
    await s.replaced('orders-0', second);
    assert.equal(await s.exec('orders-0', content), sums);
    assert.deepEqual(await database.words(), ['1 first', '2 elsewhere']);
    const volume = await s.bound('data-orders-0');
    const folder = await pathOf(s.kubectl, volume);
    assert.match(await s.cluster.server.run(`ls ${folder}`), /^disk-\S{8}\.img$/);
  },
);
