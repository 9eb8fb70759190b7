import { test } from 'node:test';
import { runTestsInVm } from './relay.ts';

test('scenarios of servers, nodes and controllers', (t) =>
  runTestsInVm(t, { files: 'test/vm/scenarios/*.test.ts' }));
