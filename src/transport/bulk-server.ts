/** Where pieces leave a process: the Bulk service, with one outbox for each reader. */
import { status } from '@grpc/grpc-js';
import { Condition } from '../common/condition.js';
import { LockstepError } from '../common/errors.js';
import { UNAUTHENTICATED, isAuthorized, refuseCall, type RpcServer, type Security } from '../rpc/channel.js';
import type { BulkSource } from './bulk.js';
import { DoorbellServer } from './doorbell.js';
import { GrpcLane, bulkService, type PullCall } from './grpc-lane.js';
import { hostId } from './host-id.js';
import { Outbox } from './outbox.js';
import type { MemoryPart } from '../protocol/memory-part.js';
import type { Identity, Piece, TransferCounter } from '../protocol/piece.js';
import { SharedLane } from './shared-lane.js';

/** A way to a reader. */
interface Lane {
  readonly call: PullCall;
  readonly carrier: GrpcLane | SharedLane;
}

/** What is known of one reader; it may have pieces and no lane, or lanes and no pieces. */
interface Peer {
  readonly outbox: Outbox;
  readonly lanes: Map<number, Lane>;
  /** Memory that is offered to it. */
  offered: MemoryPart | null;
}

export class BulkServer implements BulkSource {
  readonly #security: Security;
  readonly #counters: TransferCounter;
  readonly #peers = new Map<string, Peer>();
  readonly #changed = new Condition();
  #self: Identity | null = null;
  #doorbells: Promise<DoorbellServer> | null = null;

  /** Adds the service `lockstep.v1.Bulk`, before or after the server listens. */
  constructor(rpc: RpcServer, security: Security, counters: TransferCounter) {
    this.#security = security;
    this.#counters = counters;
    rpc.server.addService(bulkService(), { Pull: (call: PullCall) => void this.#pull(call) });
  }

  serveAs(self: Identity | null): void {
    this.#self = self;
    for (const { lanes, outbox } of this.#peers.values()) {
      outbox.clear();
      for (const lane of lanes.values()) end(lane);
    }
    this.#peers.clear();
    this.#changed.notify();
  }

  send(reader: string, piece: Piece): void {
    const peer = this.#peer(reader);
    peer.outbox.push(piece);
    this.#pump(peer);
  }

  offer(reader: string, part: MemoryPart | null): void {
    this.#peer(reader).offered = part;
  }

  note(reader: string, bytes: Uint8Array, isAwaited = true): boolean {
    const carrier = this.#peers.get(reader)?.lanes.get(0)?.carrier;
    return carrier instanceof SharedLane && carrier.note(bytes, isAwaited);
  }

  busy(reader?: string): boolean {
    if (reader !== undefined) return this.#peers.get(reader)?.outbox.idle === false;
    for (const { outbox } of this.#peers.values()) {
      if (!outbox.idle) return true;
    }
    return false;
  }

  async flushed(reader?: string): Promise<void> {
    await this.#changed.until(() => !this.busy(reader));
  }

  drop(reader?: string): void {
    for (const [id, { outbox }] of this.#peers) {
      if (reader === undefined || reader === id) outbox.clear();
    }
    this.#changed.notify();
  }

  /** Lets all readers go, and takes no more. The gRPC server is closed by whoever owns it. */
  async close(): Promise<void> {
    this.serveAs(null);
    const doorbells = await this.#doorbells?.catch(() => null);
    doorbells?.close();
  }

  #peer(reader: string): Peer {
    let peer = this.#peers.get(reader);
    if (peer === undefined) {
      peer = { outbox: new Outbox(() => this.#changed.notify()), lanes: new Map(), offered: null };
      this.#peers.set(reader, peer);
    }
    return peer;
  }

  #pump({ lanes, outbox }: Peer): void {
    for (const { carrier } of lanes.values()) {
      if (outbox.empty) return;
      carrier.pump();
    }
  }

  async #pull(call: PullCall): Promise<void> {
    if (!isAuthorized(call.metadata, this.#security)) {
      refuseCall(call, UNAUTHENTICATED);
      return;
    }
    const { source, runId, hostId: readerHost } = call.request;
    const self = this.#self;
    if (self === null || self.id !== source || self.runId !== runId) {
      refuseCall(call, { code: status.NOT_FOUND, details: `this is not ${source} of run ${runId}` });
      return;
    }
    call.on('error', () => undefined);
    if (readerHost === '') {
      this.#serveOverGrpc(call, null);
    } else if (readerHost !== hostId()) {
      this.#serveOverGrpc(call, 'the processes do not share a host, a user and its namespaces');
    } else {
      await this.#offerMemory(call, self);
    }
  }

  async #offerMemory(call: PullCall, self: Identity): Promise<void> {
    let lane: SharedLane;
    try {
      const doorbells = await (this.#doorbells ??= DoorbellServer.listen());
      // Meanwhile the process may have taken another name, or the reader left.
      if (this.#self !== self || call.cancelled) {
        call.end();
        return;
      }
      const peer = this.#peer(call.request.reader);
      const shared = call.request.inPlace ? () => peer.offered : () => null;
      lane = new SharedLane(doorbells, peer.outbox, this.#counters, () => this.#lose(call), shared);
    } catch (error) {
      if (this.#self === self) this.#serveOverGrpc(call, LockstepError.from(error).message);
      else call.end();
      return;
    }
    call.write({ opening: { segment: lane.segment } });
    this.#attach({ call, carrier: lane });
  }

  #serveOverGrpc(call: PullCall, refusal: string | null): void {
    const { outbox } = this.#peer(call.request.reader);
    this.#attach({ call, carrier: new GrpcLane(call, refusal ?? '', outbox, this.#counters) });
  }

  #attach(lane: Lane): void {
    const { reader, lane: number } = lane.call.request;
    const peer = this.#peer(reader);
    const former = peer.lanes.get(number);
    peer.lanes.set(number, lane);
    if (former !== undefined) end(former);
    lane.call.on('cancelled', () => this.#lose(lane.call));
    this.#pump(peer);
  }

  /** The reader has left this lane. With its last lane it leaves what is queued, unless it never came to take any. */
  #lose(call: PullCall): void {
    const { reader, lane: number } = call.request;
    const peer = this.#peers.get(reader);
    const lane = peer?.lanes.get(number);
    if (peer === undefined || lane?.call !== call) return;
    const refused = lane.carrier instanceof SharedLane && !lane.carrier.attached;
    peer.lanes.delete(number);
    end(lane);
    if (peer.lanes.size > 0 || refused) return;
    peer.outbox.clear();
    this.#peers.delete(reader);
    this.#changed.notify();
  }
}

function end({ call, carrier }: Lane): void {
  carrier.close();
  call.end();
}
