import { test } from 'node:test';
import { runTestsInVm } from './relay.ts';

test('scenarios of images and copies', (t) => runTestsInVm(t, { files: 'test/vm/scenarios/data/*.test.ts' }));
