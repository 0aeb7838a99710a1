/** A worker's own gRPC server: where the coordinator and other workers pull pieces from. It outlives the connection to any one coordinator. */
import type { Address } from '../rpc/address.js';
import { RpcServer, type Security } from '../rpc/channel.js';
import { BulkServer } from './bulk-server.js';
import type { MemoryPart } from '../protocol/memory-part.js';
import type { Identity, Piece, TransferCounter } from '../protocol/piece.js';

export class WorkerServer {
  readonly address: Address;
  readonly #rpc: RpcServer;
  readonly #bulk: BulkServer;

  private constructor(rpc: RpcServer, bulk: BulkServer, address: Address) {
    this.#rpc = rpc;
    this.#bulk = bulk;
    this.address = address;
  }

  static async start(
    address: Address,
    security: Security,
    heartbeatTimeoutMs: number,
    transfers: TransferCounter,
  ): Promise<WorkerServer> {
    const rpc = new RpcServer(['lockstep.v1.Bulk'], heartbeatTimeoutMs);
    const bulk = new BulkServer(rpc, security, transfers);
    return new WorkerServer(rpc, bulk, await rpc.listen(address, security));
  }

  /** Takes the name that the coordinator has given this worker; null while it has none. */
  serveAs(identity: Identity | null): void {
    this.#rpc.setServing(identity !== null);
    this.#bulk.serveAs(identity);
  }

  /** Queues a piece for the coordinator or another worker. */
  send(to: string, piece: Piece): void {
    this.#bulk.send(to, piece);
  }

  /** See {@link BulkServer.offer}. */
  offer(to: string, part: MemoryPart): void {
    this.#bulk.offer(to, part);
  }

  /** See {@link BulkServer.note}. */
  note(to: string, bytes: Uint8Array): boolean {
    return this.#bulk.note(to, bytes);
  }

  async close(): Promise<void> {
    this.serveAs(null);
    await this.#bulk.close();
    await this.#rpc.close();
  }
}
