import { createServer, connect, type Server, type Socket } from 'node:net';
import type { Address } from '../../src/rpc/address.js';

/** A network between two processes that can be cut at any moment, and slowed down. */
export class Network {
  readonly address: Address;
  readonly #server: Server;
  /** How long what comes from a socket is held up (ms). */
  readonly #sockets: Map<Socket, number>;

  private constructor(server: Server, address: Address, sockets: Map<Socket, number>) {
    this.#server = server;
    this.address = address;
    this.#sockets = sockets;
  }

  /** Listens on a free port of loopback and passes everything on to `target`. */
  static async to(target: Address): Promise<Network> {
    const sockets = new Map<Socket, number>();
    const later = (socket: Socket, action: () => void): void => {
      const delayMs = sockets.get(socket) ?? 0;
      if (delayMs === 0) action();
      else setTimeout(action, delayMs);
    };
    const server = createServer((near) => {
      const far = connect(target.port, target.host);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.set(from, 0);
        from.on('error', () => undefined);
        from.on('close', () => later(from, () => to.destroy()));
        from.on('data', (bytes) => later(from, () => to.write(bytes)));
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new RangeError('no port');
    return new Network(server, { host: '127.0.0.1', port: bound.port }, sockets);
  }

  /** Holds up everything on the connections that there are, and nothing on those to come. */
  slowDown(delayMs: number): void {
    for (const socket of this.#sockets.keys()) this.#sockets.set(socket, delayMs);
  }

  /** Breaks every connection without a farewell and accepts no new one. */
  cut(): void {
    this.#server.close();
    for (const socket of this.#sockets.keys()) socket.destroy();
  }
}
