/** The coordinator's gRPC service: turns control streams into {@link WorkerLink}s. */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { COORDINATOR } from '../protocol/link.js';
import type { WorkerLink, WorkerLinkEvents } from '../protocol/link.js';
import type { Hello } from '../protocol/messages.js';
import { peerHost, type Address } from '../rpc/address.js';
import { RpcServer, UNAUTHENTICATED, isAuthorized, refuseCall, type Security } from '../rpc/channel.js';
import { decodeWorkerMessage } from '../rpc/codec.js';
import type { CoordinatorMessage as WireToWorker } from '../rpc/generated/lockstep/v1/CoordinatorMessage.js';
import type { WorkerMessage__Output } from '../rpc/generated/lockstep/v1/WorkerMessage.js';
import { BulkServer } from './bulk-server.js';
import { FLOAT32, WireCodec, type WireFormats } from './wire-codec.js';
import { GrpcWorkerLink } from './grpc-worker-link.js';
import type { CarrierChoice, TransferCounter } from '../protocol/piece.js';
import { protocol } from '../rpc/proto.js';
import { plainReason } from '../rpc/reason.js';

/** Decides about workers that knock. */
export interface CoordinatorHost {
  readonly runId: string;
  /**
   * A worker has introduced itself. Answers through the link (welcome, or shutdown with the reason `rejected`) and returns who
   * takes what the worker says from then on; null when it was turned away.
   */
  hello(hello: Hello, link: WorkerLink): WorkerLinkEvents | null;
}

export interface CoordinatorServerOptions {
  readonly address: Address;
  readonly security: Security;
  readonly heartbeatTimeoutMs: number;
  readonly host: CoordinatorHost;
  /** What carries pieces. */
  readonly carrier: CarrierChoice;
  /** Connections to each worker for pieces, where gRPC carries them. */
  readonly lanes: number;
  /** What pieces travel in, asked for with the first piece; default: float32. */
  readonly formats?: (() => WireFormats) | undefined;
  readonly transfers: TransferCounter;
}

export class CoordinatorServer {
  readonly address: Address;
  readonly #rpc: RpcServer;
  readonly #bulk: BulkServer;
  readonly #options: CoordinatorServerOptions;
  readonly #links: Map<string, GrpcWorkerLink>;

  private constructor(
    options: CoordinatorServerOptions,
    rpc: RpcServer,
    bulk: BulkServer,
    address: Address,
    links: Map<string, GrpcWorkerLink>,
  ) {
    this.#options = options;
    this.#rpc = rpc;
    this.#bulk = bulk;
    this.address = address;
    this.#links = links;
  }

  static async start(options: CoordinatorServerOptions): Promise<CoordinatorServer> {
    const rpc = new RpcServer(['lockstep.v1.Coordinator'], options.heartbeatTimeoutMs);
    const links = new Map<string, GrpcWorkerLink>();
    const bulk = new BulkServer(rpc, options.security, options.transfers);
    bulk.serveAs({ id: COORDINATOR, runId: options.host.runId });
    let made: WireCodec | undefined;
    const codec = (): WireCodec => (made ??= new WireCodec(options.formats?.() ?? FLOAT32));
    let joined = 0;
    rpc.server.addService(protocol().Coordinator.service, {
      session(call: ServerDuplexStream<WorkerMessage__Output, WireToWorker>) {
        if (!isAuthorized(call.metadata, options.security)) {
          refuseCall(call, UNAUTHENTICATED);
          return;
        }
        joined += 1;
        serveSession(call, `worker-${joined}`, options, codec, bulk, links);
      },
    });
    const address = await rpc.listen(options.address, options.security);
    rpc.setServing(true);
    return new CoordinatorServer(options, rpc, bulk, address, links);
  }

  async close(): Promise<void> {
    this.#rpc.setServing(false);
    for (const link of this.#links.values()) link.close();
    await this.#bulk.close();
    await this.#rpc.close();
  }

  /** Workers with an open control stream. */
  get connected(): number {
    return this.#links.size;
  }

  get runId(): string {
    return this.#options.host.runId;
  }
}

function serveSession(
  call: ServerDuplexStream<WorkerMessage__Output, WireToWorker>,
  id: string,
  { host, security, heartbeatTimeoutMs, carrier, lanes, transfers }: CoordinatorServerOptions,
  codec: () => WireCodec,
  bulk: BulkServer,
  links: Map<string, GrpcWorkerLink>,
): void {
  let link: GrpcWorkerLink | null = null;
  let events: WorkerLinkEvents | null = null;
  const lose = (reason: string): void => {
    if (link !== null) {
      links.delete(id);
      link.close();
    }
    const listener = events;
    events = null;
    listener?.lost(reason);
  };
  call.on('data', (wire: WorkerMessage__Output) => {
    const message = decodeWorkerMessage(wire);
    if (message === null) return;
    if (message.type === 'hello' && link === null) {
      const created = new GrpcWorkerLink({
        id,
        call,
        address: message.address,
        peerHost: peerHost(call.getPeer()),
        runId: host.runId,
        security,
        heartbeatTimeoutMs,
        bulk,
        carrier,
        lanes,
        codec,
        transfers,
        onPiece: (piece) => events?.piece(piece),
        onMessage: (message) => events?.message(message),
        onBroken: lose,
      });
      link = created;
      links.set(id, created);
      events = host.hello(message, created);
      if (events === null) lose('turned away');
    } else {
      events?.message(message);
    }
  });
  call.on('end', () => lose('it closed the connection'));
  call.on('cancelled', () => lose('the connection broke'));
  call.on('error', (error) => lose(plainReason(error)));
}
