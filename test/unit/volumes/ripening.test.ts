import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ripening } from '../../../src/volumes/removal/ripening.ts';

test('each thing is given once, and none is lost while the time goes on', () => {
  let now = 0;
  // Goes on between any two looks.
  const ripening = new Ripening<number>(10, () => (now += 1));
  const given: number[] = [];
  for (let item = 0; item < 100; item += 1) {
    ripening.add(item);
    given.push(...ripening.takeRipe());
  }
  assert.ok(given.length > 50 && ripening.size > 0);
  now += 10;
  given.push(...ripening.takeRipe());
  assert.deepEqual(
    given,
    Array.from({ length: 100 }, (_, item) => item),
  );
  assert.equal(ripening.size, 0);
});

test('nothing is given before its time', () => {
  let now = 0;
  const ripening = new Ripening<string>(10, () => now);
  ripening.add('early');
  now = 5;
  ripening.add('late');
  assert.deepEqual(ripening.takeRipe(), []);
  now = 10;
  assert.deepEqual(ripening.takeRipe(), ['early']);
  assert.equal(ripening.size, 1);
});
