// Loaded into a driver's process before it: has it killed at one of the commands that it runs. KILL_AT_COMMAND names a
// file; as long as that is there, it says at which command from then on, and whether before or after it.
import { registerHooks } from 'node:module';

const replacement = new URL('./killing-run.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const isRun = found.url.endsWith('/src/host/run.ts') && context.parentURL !== replacement;
    return isRun ? { ...found, url: replacement } : found;
  },
});
