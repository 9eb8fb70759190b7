import { isIP, SocketAddress } from 'node:net';

/** RFC 1123, section 2.1. */
const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

/** Whether this is a host name, an IPv4 address, or an IPv6 address with or without brackets. */
export function isNfsServer(server: string): boolean {
  const bare = withoutBrackets(server);
  // Addresses with a zone (fe80::1%eth0) mean another host on each node.
  if (isIP(bare) === 6) return !bare.includes('%');
  if (isIP(server) === 4) return true;
  const labels = server.split('.');
  // A last part of digits is an address with a slip, such as 10.0.0.256.
  return (
    server.length <= 253 && labels.every((part) => label.test(part)) && !/^\d+$/.test(labels.at(-1) ?? '')
  );
}

/** The same for every spelling of one name or address; other names of one server are not known here. */
export function serverIdentity(server: string): string {
  const bare = withoutBrackets(server);
  return isIP(bare) === 6
    ? new SocketAddress({ address: bare, family: 'ipv6' }).address
    : server.toLowerCase();
}

function withoutBrackets(server: string): string {
  return server.replace(/^\[(.*)\]$/, '$1');
}
