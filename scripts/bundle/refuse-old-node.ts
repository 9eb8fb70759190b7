import packageJson from '../../package.json' with { type: 'json' };

const oldest = packageJson.engines.node.replace('>=', '');
const [major, minor] = oldest.split('.');

/** esbuild's name for the oldest Node that Berth runs on. */
export const oldestNode = `node${oldest}`;

/**
 * Runs before the bundle: on an older Node its first lines would fail, in words that nobody could act on. Any Node must
 * understand it. What comes before the bundle takes over its "use strict", which counts in the first place only.
 */
export const refuseOldNode = `'use strict';
var berthNode = process.versions.node.split('.');
if (berthNode[0] < ${major} || (berthNode[0] == ${major} && berthNode[1] < ${minor})) {
  process.stderr.write('berth: this is Node ' + process.versions.node + ', and ${oldest} or newer is needed; name one with BERTH_NODE_BINARY\\n');
  process.exit(2);
}`;
