/** A worker's end of the connection: its control stream, the models it pulls, and the service its gradients are pulled from. */
import { setTimeout } from 'node:timers/promises';
import type { ClientDuplexStream, ClientReadableStream, ServerWritableStream } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { Condition } from '../common/condition.js';
import type { CoordinatorLink, CoordinatorLinkEvents } from '../protocol/link.js';
import type { Fence, Hello, WorkerMessage } from '../protocol/messages.js';
import type { TreeNode } from '../reduce/tree.js';
import { formatAddress, type Address } from './address.js';
import {
  RpcServer,
  UNAUTHENTICATED,
  callMetadata,
  clientCredentials,
  clientOptions,
  isAuthorized,
  refuseCall,
  type Security,
} from './channel.js';
import { chunksOf, drained } from './chunk-stream.js';
import { decodeCoordinatorMessage, encodeWorkerMessage } from './codec.js';
import type { CoordinatorClient } from './generated/lockstep/v1/Coordinator.js';
import type { CoordinatorMessage__Output } from './generated/lockstep/v1/CoordinatorMessage.js';
import type { GradientChunk } from './generated/lockstep/v1/GradientChunk.js';
import type { PullRequest__Output } from './generated/lockstep/v1/PullRequest.js';
import type { WeightsChunk__Output } from './generated/lockstep/v1/WeightsChunk.js';
import type { WorkerMessage as WireToCoordinator } from './generated/lockstep/v1/WorkerMessage.js';
import type { TransferCounter } from './grpc-worker-link.js';
import { protocol } from './proto.js';
import { plainReason } from './reason.js';

type GradientCall = ServerWritableStream<PullRequest__Output, GradientChunk>;

/** The worker's own gRPC service; it outlives the connection to any one coordinator. */
export class GradientServer {
  readonly address: Address;
  readonly #rpc: RpcServer;
  readonly #transfers: TransferCounter;
  readonly #attached = new Condition();
  #workerId: string | null = null;
  #call: GradientCall | null = null;
  #queue: Promise<void> = Promise.resolve();
  /** Grows with every connection; what was queued for an earlier one is dropped. */
  #generation = 0;

  private constructor(rpc: RpcServer, address: Address, transfers: TransferCounter) {
    this.#rpc = rpc;
    this.address = address;
    this.#transfers = transfers;
  }

  static async start(
    address: Address,
    security: Security,
    heartbeatTimeoutMs: number,
    transfers: TransferCounter,
  ): Promise<GradientServer> {
    const rpc = new RpcServer(['lockstep.v1.Worker'], heartbeatTimeoutMs);
    let server: GradientServer | null = null;
    rpc.server.addService(protocol().Worker.service, {
      pullGradients(call: GradientCall) {
        if (!isAuthorized(call.metadata, security)) {
          refuseCall(call, UNAUTHENTICATED);
        } else {
          server?.attach(call);
        }
      },
    });
    server = new GradientServer(rpc, await rpc.listen(address, security), transfers);
    return server;
  }

  /** Takes the name that the coordinator has given this worker; null while it has none. */
  serveAs(workerId: string | null): void {
    this.#workerId = workerId;
    this.#generation += 1;
    this.#rpc.setServing(workerId !== null);
    this.#call?.end();
    this.#call = null;
    this.#attached.notify();
  }

  attach(call: GradientCall): void {
    if (call.request.workerId !== this.#workerId) {
      refuseCall(call, { code: status.NOT_FOUND, details: `this is not ${call.request.workerId}` });
      return;
    }
    this.#call?.end();
    this.#call = call;
    call.on('error', () => undefined);
    this.#attached.notify();
  }

  /** Queues gradient sums for the coordinator; the order of calls is kept. */
  send(fence: Fence, nodes: readonly (TreeNode & { readonly values: Float32Array })[]): void {
    const generation = this.#generation;
    this.#queue = this.#queue.then(async () => {
      // The coordinator opens its stream when the worker is ready, which the first step may overtake.
      await this.#attached.until(() => this.#call !== null || this.#generation !== generation);
      for (const { level, index, values } of nodes) {
        for (const { offset, data } of chunksOf(values)) {
          const call = this.#call;
          if (call === null || call.destroyed || this.#generation !== generation) return;
          this.#transfers.sent(data.length);
          if (!call.write({ fence, level, index, offset, data })) await drained(call);
        }
      }
    });
  }

  async close(): Promise<void> {
    this.serveAs(null);
    await this.#rpc.close();
  }
}

/** How long a worker that leaves waits for the coordinator to hear of it (ms). */
const FAREWELL_MS = 1_000;

export interface ConnectOptions {
  readonly coordinator: Address;
  readonly security: Security;
  readonly heartbeatTimeoutMs: number;
  readonly hello: Hello;
  readonly gradients: GradientServer;
  readonly transfers: TransferCounter;
}

export class GrpcCoordinatorLink implements CoordinatorLink {
  readonly #options: ConnectOptions;
  readonly #client: CoordinatorClient;
  readonly #call: ClientDuplexStream<WireToCoordinator, CoordinatorMessage__Output>;
  readonly #events: CoordinatorLinkEvents;
  #weights: ClientReadableStream<WeightsChunk__Output> | null = null;
  #identity: { readonly workerId: string; readonly runId: string } | null = null;
  /** Resolves with the end of the control stream. */
  readonly #ended: Promise<unknown>;
  #closed = false;

  /** Dials and says hello; what comes back goes to `events`, a failure to connect as `lost`. */
  constructor(options: ConnectOptions, events: CoordinatorLinkEvents) {
    const { coordinator, security, heartbeatTimeoutMs } = options;
    this.#options = options;
    this.#events = events;
    this.#client = new (protocol().Coordinator)(
      formatAddress(coordinator),
      clientCredentials(security),
      clientOptions(heartbeatTimeoutMs),
    );
    this.#call = this.#client.session(callMetadata(security));
    this.#ended = new Promise((resolve) => this.#call.once('status', resolve));
    this.#call.on('data', (wire: CoordinatorMessage__Output) => {
      const message = decodeCoordinatorMessage(wire);
      if (message === null) return;
      if (message.type === 'welcome') {
        this.#identity = message;
        options.gradients.serveAs(message.workerId);
      }
      events.message(message);
    });
    this.#call.on('end', () => this.#lose('it closed the connection'));
    this.#call.on('error', (error) => this.#lose(plainReason(error), isFinal(error)));
    this.send(options.hello);
  }

  send(message: WorkerMessage): void {
    if (!this.#closed) this.#call.write(encodeWorkerMessage(message));
  }

  sendGradients(fence: Fence, nodes: readonly (TreeNode & { readonly values: Float32Array })[]): void {
    this.#options.gradients.send(fence, nodes);
  }

  openModels(): void {
    if (this.#identity === null) return;
    const { workerId, runId } = this.#identity;
    this.#weights = this.#client.pullWeights({ workerId, runId }, callMetadata(this.#options.security));
    this.#weights.on('data', ({ version, offset, data, last }: WeightsChunk__Output) => {
      this.#options.transfers.received(data.length);
      this.#events.weights({ version, offset, bytes: data, last });
    });
    this.#weights.on('error', (error) => this.#lose(plainReason(error)));
  }

  /** Leaves; resolves when the coordinator has taken what was sent before, or has let the time for it pass. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.gradients.serveAs(null);
    this.#weights?.cancel();
    this.#call.end();
    await Promise.race([this.#ended, setTimeout(FAREWELL_MS, undefined, { ref: false })]);
    this.#client.close();
  }

  #lose(reason: string, final = false): void {
    if (this.#closed) return;
    void this.close();
    this.#events.lost(reason, final);
  }
}

/** Whether dialling again would only fail again. */
function isFinal(error: Error): boolean {
  const code: unknown = 'code' in error ? error.code : undefined;
  return code === status.UNAUTHENTICATED || code === status.UNIMPLEMENTED || code === status.FAILED_PRECONDITION;
}
