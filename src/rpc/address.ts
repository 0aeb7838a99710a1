/** Addresses, and which of them may be served without credentials. */
import { isIP } from 'node:net';
import { LockstepError } from '../common/errors.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`, `[IPV6]:PORT`, or `:PORT` for loopback. @throws LockstepError `usage` for anything else. */
export function parseAddress(text: string, option: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new LockstepError('usage', `${option} ${text}: expected HOST:PORT, for example 127.0.0.1:7700`);
  }
  const host = match[1] ?? match[2] ?? '';
  return { host: host === '' ? '127.0.0.1' : host, port };
}

export function formatAddress({ host, port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Whether a host stands for every interface, and so for no address that a peer could dial. */
export function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/**
 * Refuses to serve other hosts in plain text by accident.
 *
 * @throws LockstepError `usage` for an interface other than loopback, unless `insecure`.
 */
export function checkListen(address: Address, insecure: boolean, option: string): void {
  if (insecure || isLoopback(address.host)) return;
  throw new LockstepError(
    'usage',
    `${option} ${formatAddress(address)} would serve other hosts without encryption or proof of identity`,
    {
      hint: 'Listen on 127.0.0.1, or add --insecure on a network that you trust (set LOCKSTEP_TOKEN too).',
    },
  );
}

/** The host of a gRPC peer such as `ipv4:10.0.0.7:41234`, `10.0.0.7:41234` or `[::1]:41234`. */
export function peerHost(peer: string): string {
  const address = peer.replace(/^ipv[46]:/, '');
  const match = /^\[?(.*?)\]?:\d+$/.exec(address);
  const host = match?.[1] ?? address;
  // An IPv4 peer on a socket that takes both families.
  return host.replace(/^::ffff:(?=\d+\.)/, '');
}
