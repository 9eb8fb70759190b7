import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../src/errors/usage-error.ts';
import { httpAddress, showAddress } from '../../../src/http/address.ts';

test('an address is an IP address or localhost with a port, or a port alone, or off', () => {
  assert.deepEqual(httpAddress('127.0.0.1:9808'), { host: '127.0.0.1', port: 9808 });
  assert.deepEqual(httpAddress('localhost:0'), { host: 'localhost', port: 0 });
  assert.deepEqual(httpAddress('[::1]:9808'), { host: '::1', port: 9808 });
  assert.deepEqual(httpAddress(':9808'), { host: undefined, port: 9808 });
  assert.equal(httpAddress('off'), undefined);
});

const wrong = ['', 'on', '9808', '127.0.0.1', '127.0.0.1:', '127.0.0.1:65536', '127.0.0.1:-1', '::1:9808'];
const more = [
  '[::1]',
  '[1.2.3.4]:80',
  '[]:80',
  '256.0.0.1:80',
  'example.com:80',
  'http://127.0.0.1:80',
  ':80 ',
];
for (const text of [...wrong, ...more]) {
  test(`"${text}" is refused with what is expected`, () => {
    assert.throws(
      () => httpAddress(text),
      (error: Error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, /^--http .*: expected an address and a port.*\[::1\]:9808.*off$/);
        return true;
      },
    );
  });
}

test('an address is shown as the flag takes it', () => {
  for (const text of ['127.0.0.1:80', '[::1]:80']) {
    const { host = '', port } = httpAddress(text) ?? { port: 0 };
    assert.equal(showAddress({ address: host, port }), text);
  }
});
