import { createRequire } from 'node:module';
import type { Plugin } from 'esbuild';

const require = createRequire(import.meta.url);

/**
 * Modules of Node that grpc-js loads when it is loaded itself, for what Berth does later or never: compressed messages,
 * and servers by their name.
 */
const late = ['zlib', 'dns'];

/** The bundle loads these modules when something of them is first used. It saves time, and memory where none is. */
export const lateBuiltins: Plugin = {
  name: 'late-builtins',
  setup(build) {
    const filter = new RegExp(`^(node:)?(${late.join('|')})$`);
    build.onResolve({ filter }, ({ path, namespace }) =>
      namespace === 'late'
        ? { path, external: true }
        : { path: path.replace('node:', ''), namespace: 'late' },
    );
    build.onLoad({ filter: /.*/, namespace: 'late' }, ({ path }) => ({ contents: gettersFor(path) }));
  },
};

function gettersFor(name: string): string {
  const exported = JSON.stringify(Object.keys(require(`node:${name}`) as object));
  return `
for (const key of ${exported}) {
  Object.defineProperty(exports, key, { enumerable: true, get: () => require('node:${name}')[key] });
}`;
}
