import { Option } from 'commander';

/** A flag that an environment variable stands in for, and the default for both. */
export function option(flags: string, description: string, env: string, fallback?: string): Option {
  const made = new Option(flags, description).env(env);
  return fallback === undefined ? made : made.default(fallback);
}
