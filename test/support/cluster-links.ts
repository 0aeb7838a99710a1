/** Both ends of a connection, with everything that arrives at each of them written down. */
import { Condition } from '../../src/common/condition.js';
import type { CoordinatorLink, CoordinatorLinkEvents, WorkerLink, WorkerLinkEvents } from '../../src/protocol/link.js';
import { LocalConnection } from '../../src/protocol/local-link.js';
import type { CoordinatorMessage, Hello, Welcome, WorkerMessage } from '../../src/protocol/messages.js';
import { ROOT, type CarrierChoice, type Piece, type TransferCounter } from '../../src/protocol/piece.js';
import { formatAddress, type Address } from '../../src/rpc/address.js';
import { CoordinatorServer } from '../../src/transport/coordinator-server.js';
import { GrpcCoordinatorLink } from '../../src/transport/grpc-coordinator-link.js';
import { WorkerServer } from '../../src/transport/worker-server.js';
import { clusterJob } from './cluster-job.js';

export const RUN_ID = 'run-1';
export const LOOPBACK: Address = { host: '127.0.0.1', port: 0 };
export const HEARTBEAT_MS = 20_000;

/** Counts tensor bytes. */
export class Transfers implements TransferCounter {
  sentBytes = 0;
  receivedBytes = 0;
  readonly sent = (bytes: number): void => void (this.sentBytes += bytes);
  readonly received = (bytes: number): void => void (this.receivedBytes += bytes);
}

class Recorder {
  readonly pieces: Piece[] = [];
  readonly #changed = new Condition();

  /** Waits for something to have been written down. */
  async until(predicate: () => boolean): Promise<void> {
    await this.#changed.until(predicate);
  }

  piece(piece: Piece): void {
    this.pieces.push({ ...piece, bytes: Uint8Array.from(piece.bytes) });
    this.note();
  }

  get receivedBytes(): number {
    return this.pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  protected note(): void {
    this.#changed.notify();
  }
}

/** What a worker hears. */
export class WorkerSide extends Recorder implements CoordinatorLinkEvents {
  readonly messages: CoordinatorMessage[] = [];
  readonly peerLosses: { readonly peer: string; readonly reason: string }[] = [];
  readonly losses: { readonly reason: string; readonly final: boolean }[] = [];

  message(message: CoordinatorMessage): void {
    this.messages.push(message);
    this.note();
  }

  peerLost(peer: string, reason: string): void {
    this.peerLosses.push({ peer, reason });
    this.note();
  }

  lost(reason: string, final: boolean): void {
    this.losses.push({ reason, final });
    this.note();
  }
}

/** What a coordinator hears of one worker. */
export class CoordinatorSide extends Recorder implements WorkerLinkEvents {
  readonly messages: WorkerMessage[] = [];
  readonly losses: string[] = [];

  message(message: WorkerMessage): void {
    this.messages.push(message);
    this.note();
  }

  lost(reason: string): void {
    this.losses.push(reason);
    this.note();
  }
}

/** The vector that pieces put together. */
export function assemble(pieces: readonly Piece[]): Float32Array<ArrayBuffer> {
  const length = Math.max(0, ...pieces.map(({ start, count }) => start + count));
  const values = new Float32Array(length).fill(NaN);
  for (const { start, bytes } of pieces) new Uint8Array(values.buffer).set(bytes, start * 4);
  return values;
}

/** A whole model. */
export function model(version: number, values: Float32Array): Piece {
  return vectorPiece(values, { kind: 'weights', fence: { epoch: 0, step: version, attempt: 0 } });
}

/** A gradient sum. */
export function gradient(values: Float32Array, rest: Partial<Piece> = {}): Piece {
  return vectorPiece(values, { fence: { epoch: 1, step: 2, attempt: 3 }, ...rest });
}

function vectorPiece(values: Float32Array, rest: Pick<Piece, 'fence'> & Partial<Piece>): Piece {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { kind: 'gradient', node: ROOT, start: 0, count: values.length, format: 'float32', bytes, ...rest };
}

export function welcome(workerId: string, carrier: CarrierChoice = 'grpc'): Welcome {
  return {
    type: 'welcome',
    workerId,
    runId: RUN_ID,
    job: clusterJob(`cluster.transport=${carrier}`).job,
    baseDir: '/',
    dataFingerprint: 'fingerprint',
    mean: new Float32Array(5),
    inverseDeviation: new Float32Array(5),
  };
}

/** A coordinator that welcomes everyone and writes down what they say. */
export class TestCoordinator extends Recorder {
  readonly transfers = new Transfers();
  readonly hellos: Hello[] = [];
  readonly links: WorkerLink[] = [];
  readonly sides: CoordinatorSide[] = [];
  /** Why the next worker is turned away. */
  refusal: string | null = null;
  #server: CoordinatorServer | null = null;

  readonly #carrier: CarrierChoice;

  private constructor(carrier: CarrierChoice) {
    super();
    this.#carrier = carrier;
  }

  /** @param carrier Shared memory has tests of its own. */
  static async start(token: string | null = null, carrier: CarrierChoice = 'grpc'): Promise<TestCoordinator> {
    const coordinator = new TestCoordinator(carrier);
    coordinator.#server = await CoordinatorServer.start({
      address: LOOPBACK,
      security: { token },
      heartbeatTimeoutMs: HEARTBEAT_MS,
      host: { runId: RUN_ID, hello: (hello, link) => coordinator.#hello(hello, link) },
      carrier,
      lanes: 1,
      transfers: coordinator.transfers,
    });
    return coordinator;
  }

  get server(): CoordinatorServer {
    if (this.#server === null) throw new RangeError('the coordinator has not been started');
    return this.#server;
  }

  get address(): Address {
    return this.server.address;
  }

  #hello(hello: Hello, link: WorkerLink): WorkerLinkEvents | null {
    this.hellos.push(hello);
    if (this.refusal !== null) {
      link.send({ type: 'shutdown', reason: 'rejected', message: this.refusal });
      return null;
    }
    const side = new CoordinatorSide();
    this.links.push(link);
    this.sides.push(side);
    link.send(welcome(link.id, this.#carrier));
    this.note();
    return side;
  }
}

export interface TestWorker {
  readonly side: WorkerSide;
  readonly link: GrpcCoordinatorLink;
  readonly server: WorkerServer;
  readonly transfers: Transfers;
  close(): Promise<void>;
}

export interface TestWorkerOptions {
  readonly token?: string | null;
  /** The token that its own service asks for; as `token` if not given. */
  readonly ownToken?: string | null;
  /** Where it says that it listens, given where it does. */
  readonly address?: (own: Address) => string | Promise<string>;
}

export async function startWorker(coordinator: Address, options: TestWorkerOptions = {}): Promise<TestWorker> {
  const { token = null, ownToken = token } = options;
  const transfers = new Transfers();
  const server = await WorkerServer.start(LOOPBACK, { token: ownToken }, HEARTBEAT_MS, transfers);
  const side = new WorkerSide();
  const hello: Hello = {
    type: 'hello',
    version: '1',
    backend: 'reference',
    threads: 1,
    address: (await options.address?.(server.address)) ?? formatAddress(server.address),
    host: 'here',
    pid: 1,
  };
  const security = { token };
  const link = new GrpcCoordinatorLink(
    { coordinator, security, heartbeatTimeoutMs: HEARTBEAT_MS, hello, server, transfers },
    side,
  );
  const close = async (): Promise<void> => {
    await link.close();
    await server.close();
  };
  return { side, link, server, transfers, close };
}

/** A connected pair, whatever carries it. */
export interface Pair {
  readonly workerLink: WorkerLink;
  readonly coordinatorLink: CoordinatorLink;
  readonly atWorker: WorkerSide;
  readonly atCoordinator: CoordinatorSide;
  close(): Promise<void>;
}

export function localPair(): Promise<Pair> {
  const connection = new LocalConnection('worker-1');
  const [atWorker, atCoordinator] = [new WorkerSide(), new CoordinatorSide()];
  connection.connect(atWorker, atCoordinator);
  const close = (): Promise<void> => Promise.resolve(connection.close());
  return Promise.resolve({
    workerLink: connection,
    coordinatorLink: connection.coordinator,
    atWorker,
    atCoordinator,
    close,
  });
}

export async function grpcPair(token: string | null = null): Promise<Pair> {
  const coordinator = await TestCoordinator.start(token);
  const worker = await startWorker(coordinator.address, { token });
  await worker.side.until(() => worker.side.messages.length > 0);
  const [workerLink] = coordinator.links;
  const [atCoordinator] = coordinator.sides;
  if (workerLink === undefined || atCoordinator === undefined) throw new RangeError('the worker was not welcomed');
  // Only what the test itself sends is of interest.
  worker.side.messages.length = 0;
  const close = async (): Promise<void> => {
    await worker.close();
    await coordinator.server.close();
  };
  return { workerLink, coordinatorLink: worker.link, atWorker: worker.side, atCoordinator, close };
}
