import { createServer, connect, type Server, type Socket } from 'node:net';
import type { Address } from '../../src/rpc/address.js';

/** A network between two processes that can be cut at any moment. */
export class Network {
  readonly address: Address;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, address: Address, sockets: Set<Socket>) {
    this.#server = server;
    this.address = address;
    this.#sockets = sockets;
  }

  /** Listens on a free port of loopback and passes everything on to `target`. */
  static async to(target: Address): Promise<Network> {
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      const far = connect(target.port, target.host);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(from);
        from.on('error', () => undefined);
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new RangeError('no port');
    return new Network(server, { host: '127.0.0.1', port: bound.port }, sockets);
  }

  /** Breaks every connection without a farewell and accepts no new one. */
  cut(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
