import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { parse, stringify } from 'yaml';
import { ensurePromtool, promtool } from '../setup/promtool.ts';
import { makeMachine } from '../support/driver.ts';
import { leaveOut } from '../support/leave-out.ts';
import { scrape } from '../support/scrape.ts';
import { temporaryDirectory } from '../support/tree.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(resolve(root, path), 'utf8');
const rules = 'deploy/monitoring/alerts.yaml';
const ruleTests = 'test/deploy/alert-tests.yaml';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string }[];
}

const alerts = (parse(read(rules)) as { groups: { rules: Alert[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(read('deploy/monitoring/dashboard.json')) as {
  panels: Panel[];
  templating: { list: { name: string; type: string; definition?: string }[] };
};
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const queries = [
  ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.templating.list.flatMap(({ definition }) => definition ?? []),
];

/** What there is to be scraped, by name: its type, and the labels that docs/metrics.md gives it. */
async function exported(t: TestContext): Promise<ReadonlyMap<string, string>> {
  const machine = await makeMachine(t);
  const driver = await machine.start({ flags: ['--http', '127.0.0.1:0'] });
  return (await scrape(driver)).types;
}

/** The rows of the table in docs/metrics.md: name, type, labels. */
const documented = read('docs/metrics.md')
  .split('\n')
  .filter((line) => /^\| `[a-z_]+` /.test(line))
  .map((line) => line.split('|').map((cell) => cell.replaceAll('`', '').trim()))
  .map(([, name = '', type = '', labels = '']) => ({
    name,
    type,
    labels: labels.split(', ').filter(Boolean),
  }));

/** The names in a query that belong to Berth, those of histograms without their endings. */
function namesIn(query: string, types: ReadonlyMap<string, string>): string[] {
  const names = query.match(/\b(?:berth|csi_plugin|process)_[a-z_]+/g) ?? [];
  return names.map((name) => {
    const base = name.replace(/_(bucket|count|sum)$/, '');
    return types.get(base) === 'histogram' && base !== name ? base : name;
  });
}

async function runPromtool(t: TestContext, ...args: string[]) {
  const problem = (await ensurePromtool()) ?? 'promtool is missing';
  const path = promtool();
  if (path === undefined) {
    leaveOut(t, problem);
    return;
  }
  const { exitCode, all } = await execa(path, args, { cwd: root, all: true, reject: false, timeout: 60_000 });
  assert.equal(exitCode, 0, all);
}

test('promtool finds no fault with the alert rules', async (t) => {
  await runPromtool(t, 'check', 'rules', rules);
});

test('each alert fires for what it is meant for, and for nothing else', async (t) => {
  await runPromtool(t, 'test', 'rules', ruleTests);
});

test('each alert has a severity, says what it means, is documented, and is tested both ways', () => {
  const tested = (parse(read(ruleTests)) as { tests: { name: string }[] }).tests.map(({ name }) => name);
  for (const { alert, labels, annotations } of alerts) {
    assert.match(labels.severity, /^(critical|warning)$/, alert);
    assert.match(read('docs/metrics.md'), new RegExp(`^\\| ${alert} +\\| ${labels.severity} `, 'm'), alert);
    assert.match(annotations.summary, /\.$/, alert);
    assert.match(annotations.description, /\.$/, alert);
    assert.ok(tested.includes(`${alert} fires`), alert);
    assert.ok(tested.includes(`${alert} does not fire`), alert);
  }
  assert.equal(new Set(alerts.map(({ alert }) => alert)).size, alerts.length);
});

test('every metric in the alerts and the dashboard is one that a driver exports', async (t) => {
  const types = await exported(t);
  let found = 0;
  for (const query of [...alerts.map(({ expr }) => expr), ...queries]) {
    for (const name of namesIn(query, types)) {
      found += 1;
      assert.ok(types.has(name), `${name} in ${query}`);
    }
  }
  assert.ok(found > 50, `${found} names`);
  const rulesTested = namesIn(read(ruleTests), types).filter((name) => !types.has(name));
  assert.deepEqual(rulesTested, []);
});

test('every metric that a driver exports is documented with its type, and no other', async (t) => {
  const types = await exported(t);
  const told = documented.map(({ name, type }) => `${name} ${type}`).sort();
  assert.deepEqual(told, [...types].map(([name, type]) => `${name} ${type}`).sort());
});

test('labels that queries ask for are those of the metrics', async (t) => {
  const labels = new Map(documented.map(({ name, labels: own }) => [name, own]));
  const types = await exported(t);
  for (const query of [...alerts.map(({ expr }) => expr), ...queries]) {
    for (const [, name = '', matchers = ''] of query.matchAll(/\b([a-z_]+)\{([^}]*)\}/g)) {
      const [base = ''] = namesIn(name, types);
      for (const [, label = ''] of matchers.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)/g)) {
        assert.ok(labels.get(base)?.includes(label), `${label} of ${base} in ${query}`);
      }
    }
  }
});

test('the dashboard asks the data source that is chosen, and every panel says what it shows', () => {
  assert.deepEqual(
    dashboard.templating.list.map(({ name, type }) => [name, type]),
    [
      ['datasource', 'datasource'],
      ['pool', 'query'],
      ['driver', 'query'],
    ],
  );
  assert.ok(panels.length > 15);
  for (const { title, description, datasource, targets } of panels) {
    assert.equal(datasource?.uid, '${datasource}', title);
    assert.match(description ?? '', /\.$/, title);
    assert.ok(targets !== undefined && targets.length > 0, title);
  }
});

test('every query of the dashboard is one that Prometheus can read', async (t) => {
  const exprs = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const readable = exprs.map((expr) =>
    expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(pool|driver)/g, '.*'),
  );
  const records = readable.map((expr, index) => ({ record: `query:${index}`, expr }));
  const file = join(await temporaryDirectory(t), 'queries.yaml');
  await writeFile(file, stringify({ groups: [{ name: 'dashboard', rules: records }] }));
  await runPromtool(t, 'check', 'rules', file);
});
