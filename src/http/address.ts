import { isIPv4, isIPv6 } from 'node:net';
import { UsageError } from '../errors/usage-error.ts';

/** Where health and metrics are served over HTTP. */
export interface HttpAddress {
  /** An IP address or `localhost`; undefined: every address of the machine. */
  readonly host: string | undefined;
  /** 0: any that is free. */
  readonly port: number;
}

/** Reads the flag `--http`; undefined for `off`. Throws UsageError for what is no address with a port. */
export function httpAddress(text: string): HttpAddress | undefined {
  if (text === 'off') return undefined;
  const [, v6, name = '', digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  const known = v6 === undefined ? name === '' || name === 'localhost' || isIPv4(name) : isIPv6(v6);
  if (digits !== undefined && known && port <= 65_535) return { host: v6 ?? (name || undefined), port };
  throw new UsageError(
    `--http ${text}: expected an address and a port, for example 127.0.0.1:9808, [::1]:9808 or :9808 for all addresses, or off`,
  );
}

/** As the flag takes it. */
export function showAddress({ address, port }: { readonly address: string; readonly port: number }): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}
