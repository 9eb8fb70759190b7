import type { Plugin } from 'esbuild';

/**
 * Of prom-client the bundle has the parts that Berth uses. All of it would load Node's cluster module and more for it,
 * which is 13 MB of memory on every node.
 */
export const metricsCore: Plugin = {
  name: 'metrics-core',
  setup(build) {
    build.onLoad({ filter: /\/prom-client\/index\.js$/ }, () => ({ contents: core }));
  },
};

const core = `
exports.Registry = require('./lib/registry');
exports.Counter = require('./lib/counter');
exports.Gauge = require('./lib/gauge');
exports.Histogram = require('./lib/histogram');
`;
