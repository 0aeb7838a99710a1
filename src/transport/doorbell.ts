/**
 * Wake-ups between two processes that share memory: single bytes on a Unix socket, which cost a tenth of a message over gRPC. The
 * socket is abstract: its name vanishes with whoever listens.
 */
import { randomBytes } from 'node:crypto';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { NONCE_BYTES } from './ring.js';

const BELL = Buffer.of(1);
/** A caller that says nothing for so long is no reader. */
const SILENCE_MS = 10_000;

export interface DoorbellEvents {
  rung(): void;
  /** The other side is gone; called once. Not after {@link Doorbell.close}. */
  gone(): void;
}

/** One end of a connection. */
export class Doorbell {
  readonly #socket: Socket;
  #open = true;

  constructor(socket: Socket, events: DoorbellEvents) {
    this.#socket = socket;
    socket.on('data', () => {
      if (this.#open) events.rung();
    });
    socket.on('close', () => {
      if (this.#open) events.gone();
      this.#open = false;
    });
    socket.on('error', () => undefined);
  }

  readonly ring = (): void => {
    if (this.#open) this.#socket.write(BELL);
  };

  close(): void {
    this.#open = false;
    this.#socket.destroy();
  }
}

/** Connects to `name` and proves with the nonce who calls. @throws the socket's error. */
export async function callAt(name: string, nonce: Uint8Array): Promise<Socket> {
  const socket = connect(`\0${name}`);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject);
  });
  socket.removeAllListeners('error');
  socket.write(nonce);
  return socket;
}

/** Listens for readers that have mapped the memory they were offered. */
export class DoorbellServer {
  readonly name: string;
  readonly #server: Server;
  readonly #expected = new Map<string, (socket: Socket) => void>();
  /** Callers that have not said who they are. */
  readonly #strangers = new Set<Socket>();

  private constructor(name: string, server: Server) {
    this.name = name;
    this.#server = server;
    server.on('connection', (socket) => this.#greet(socket));
    server.on('error', () => undefined);
    // It only serves those who are connected elsewhere, and keeps no process alive.
    server.unref();
  }

  /** @throws the socket's error. */
  static async listen(): Promise<DoorbellServer> {
    const name = `lockstep-${process.pid}-${randomBytes(8).toString('hex')}`;
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(`\0${name}`, resolve);
    });
    server.removeAllListeners('error');
    return new DoorbellServer(name, server);
  }

  /** Waits for whoever says this nonce; returns how to stop waiting. */
  expect(nonce: Buffer, connected: (socket: Socket) => void): () => void {
    const key = nonce.toString('hex');
    this.#expected.set(key, connected);
    return () => this.#expected.delete(key);
  }

  /** Lets nobody in any more; who is connected stays so. */
  close(): void {
    this.#expected.clear();
    for (const socket of this.#strangers) socket.destroy();
    this.#server.close();
  }

  #greet(socket: Socket): void {
    let said = Buffer.alloc(0);
    this.#strangers.add(socket);
    socket.on('close', () => this.#strangers.delete(socket));
    socket.on('error', () => undefined);
    socket.setTimeout(SILENCE_MS, () => socket.destroy());
    const listen = (bytes: Buffer): void => {
      said = Buffer.concat([said, bytes]);
      if (said.length < NONCE_BYTES) return;
      socket.off('data', listen).setTimeout(0);
      const key = said.subarray(0, NONCE_BYTES).toString('hex');
      const connected = this.#expected.get(key);
      this.#expected.delete(key);
      this.#strangers.delete(socket);
      if (connected === undefined) socket.destroy();
      else connected(socket);
    };
    socket.on('data', listen);
  }
}
