/** One worker over gRPC: its control stream, the models it pulls, the gradients pulled from it. */
import type { ClientReadableStream, ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js';
import { LockstepError } from '../common/errors.js';
import type { GradientPart, ModelSnapshot, WorkerLink } from '../protocol/link.js';
import type { CoordinatorMessage } from '../protocol/messages.js';
import { formatAddress, isUnspecified, parseAddress } from './address.js';
import { callMetadata, clientCredentials, clientOptions, type Security } from './channel.js';
import { chunksOf, drained } from './chunk-stream.js';
import { encodeCoordinatorMessage, toFence } from './codec.js';
import type { CoordinatorMessage as WireToWorker } from './generated/lockstep/v1/CoordinatorMessage.js';
import type { GradientChunk__Output } from './generated/lockstep/v1/GradientChunk.js';
import type { PullRequest__Output } from './generated/lockstep/v1/PullRequest.js';
import type { WeightsChunk } from './generated/lockstep/v1/WeightsChunk.js';
import type { WorkerClient } from './generated/lockstep/v1/Worker.js';
import type { WorkerMessage__Output } from './generated/lockstep/v1/WorkerMessage.js';
import { protocol } from './proto.js';
import { plainReason } from './reason.js';

/** Counts tensor bytes, for metrics. */
export interface TransferCounter {
  sent(bytes: number): void;
  received(bytes: number): void;
}

export interface GrpcWorkerLinkOptions {
  readonly id: string;
  readonly call: ServerDuplexStream<WorkerMessage__Output, WireToWorker>;
  /** Where the worker says that it listens. */
  readonly address: string;
  /** The host that its control stream comes from. */
  readonly peerHost: string;
  readonly runId: string;
  readonly security: Security;
  readonly heartbeatTimeoutMs: number;
  readonly transfers: TransferCounter;
  readonly onGradient: (part: GradientPart) => void;
  readonly onBroken: (reason: string) => void;
}

type WeightsCall = ServerWritableStream<PullRequest__Output, WeightsChunk>;

export class GrpcWorkerLink implements WorkerLink {
  readonly id: string;
  readonly #options: GrpcWorkerLinkOptions;
  #weightsCall: WeightsCall | null = null;
  /** The newest model that the worker has not been sent yet. */
  #pending: ModelSnapshot | null = null;
  #sending = false;
  #client: WorkerClient | null = null;
  #gradientCall: ClientReadableStream<GradientChunk__Output> | null = null;
  #closed = false;

  constructor(options: GrpcWorkerLinkOptions) {
    this.id = options.id;
    this.#options = options;
  }

  send(message: CoordinatorMessage): void {
    if (!this.#closed) this.#options.call.write(encodeCoordinatorMessage(message));
  }

  sendModel(snapshot: ModelSnapshot): void {
    this.#pending = snapshot;
    void this.#pump();
  }

  get sending(): boolean {
    // What the stream has accepted but not yet written are views of the vector, not copies.
    const buffered = (this.#weightsCall?.writableLength ?? 0) > 0;
    return !this.#closed && (this.#sending || this.#pending !== null || buffered);
  }

  /** The worker has opened its stream of models. */
  attachWeights(call: WeightsCall): void {
    this.#weightsCall?.end();
    this.#weightsCall = call;
    call.on('error', () => undefined);
    void this.#pump();
  }

  openGradients(): void {
    const { security, heartbeatTimeoutMs, runId, onBroken, onGradient, transfers } = this.#options;
    let address: string;
    try {
      address = this.#reachableAddress();
    } catch (thrown) {
      // Later, like every other way in which a worker turns out to be of no use.
      queueMicrotask(() => onBroken(LockstepError.from(thrown).message));
      return;
    }
    this.#client = new (protocol().Worker)(address, clientCredentials(security), clientOptions(heartbeatTimeoutMs));
    const call = this.#client.pullGradients({ workerId: this.id, runId }, callMetadata(security));
    this.#gradientCall = call;
    call.on('data', ({ fence, level, index, offset, data }: GradientChunk__Output) => {
      transfers.received(data.length);
      onGradient({ fence: toFence(fence), node: { level, index }, offset, bytes: data });
    });
    const broken = (reason: string): void => {
      if (!this.#closed) onBroken(`gradients cannot be pulled from ${address}: ${reason}`);
    };
    call.on('error', (error) => broken(plainReason(error)));
    call.on('end', () => broken('the stream ended'));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.call.end();
    this.#weightsCall?.end();
    this.#gradientCall?.cancel();
    this.#client?.close();
  }

  /** What the worker says, with the host it is seen from where it listens on every interface. */
  #reachableAddress(): string {
    const address = parseAddress(this.#options.address, 'worker address');
    return formatAddress(isUnspecified(address.host) ? { ...address, host: this.#options.peerHost } : address);
  }

  /** Sends the newest model whole; models that came meanwhile are skipped but for the last. */
  async #pump(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    while (this.#pending !== null && this.#weightsCall !== null && !this.#closed) {
      const { version, vector } = this.#pending;
      this.#pending = null;
      const call = this.#weightsCall;
      for (const { offset, data, last } of chunksOf(vector)) {
        this.#options.transfers.sent(data.length);
        if (!call.write({ version, offset, data, last })) await drained(call);
        if (this.#closed || call.destroyed) break;
      }
    }
    this.#sending = false;
  }
}
