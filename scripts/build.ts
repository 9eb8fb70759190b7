import { chmod, rm } from 'node:fs/promises';
import { build } from 'esbuild';
import { lateBuiltins } from './bundle/late-builtins.ts';
import { metricsCore } from './bundle/metrics-core.ts';
import { oldestNode, refuseOldNode } from './bundle/refuse-old-node.ts';
import { withoutReflection } from './bundle/without-reflection.ts';
import { keepCompiledCode } from './keep-compiled-code.ts';

/**
 * Bundles the driver into one CommonJS file, and the programs that it starts into one each. One file starts in half the time
 * of the sources and their packages, and takes some megabytes less memory on every node.
 */
await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: {
    berth: 'src/cli.ts',
    copy: 'src/host/copy/program.ts',
    blocks: 'src/host/blocks/program.ts',
  },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  // Where a file lies is asked for as in the sources.
  define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  platform: 'node',
  banner: { js: refuseOldNode },
  target: oldestNode,
  format: 'cjs',
  minify: true,
  keepNames: true,
  legalComments: 'external',
  logLevel: 'warning',
  plugins: [lateBuiltins, metricsCore, withoutReflection],
});
await chmod('dist/berth.cjs', 0o755);
await keepCompiledCode();
