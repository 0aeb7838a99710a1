/**
 * One of the processes of `lockstep bench allreduce`. Its argument is a {@link RankSetup}; it says its {@link RankPlace}, is told {places} of
 * all ranks, says {ready}; asked a {@link RankRequest} it takes part in that many all-reduces and gives a {@link RankAnswer}.
 */
import { LockstepError } from '../../common/errors.js';
import { RpcServer } from '../../rpc/channel.js';
import type { MemoryPart } from '../../protocol/memory-part.js';
import type { CollectiveName, MemoryOffer } from '../../protocol/messages.js';
import { BulkReader } from '../../transport/bulk-reader.js';
import { BulkServer } from '../../transport/bulk-server.js';
import type { Carrier, Piece, WireFormat } from '../../protocol/piece.js';
import { Conversation, serve } from '../lines.js';
import { offerPart } from '../../transport/shared-part.js';
import { AllReduce, keptPiece } from './all-reduce.js';
import { RankMemory } from './rank-memory.js';

export interface RankSetup {
  readonly rank: number;
  readonly carriers: readonly Carrier[];
  readonly processes: number;
  /** Of the longest vector in float32. */
  readonly maxBytes: number;
}

/** Where others find a rank, and its vectors when memory is shared. */
export interface RankPlace {
  readonly port: number;
  /** With the nonce as numbers: lines are JSON. */
  readonly vectors: (Omit<MemoryOffer, 'nonce'> & { readonly nonce: readonly number[] }) | null;
}

export interface RankRequest {
  /** The first so many ranks take part. */
  readonly processes: number;
  readonly collective: CollectiveName;
  readonly carrier: Carrier;
  readonly format: WireFormat;
  /** Of the vector in float32. */
  readonly bytes: number;
  readonly times: number;
  /** Counts all-reduces over all requests. */
  readonly step: number;
  /** Sum numbers of which the result is known, once more than `times`, and compare. */
  readonly check: boolean;
}

export interface RankAnswer {
  /** Wall time of one all-reduce, mean over `times`. */
  readonly ms: number;
  /** CPU time of this process for one, all threads together. */
  readonly cpuMs: number;
}

const HEARTBEAT_MS = 60_000;
const HOST = '127.0.0.1';
const RUN_ID = 'bench';
const security = { token: null };
const counters = { sent: () => undefined, received: () => undefined };
const nameOf = (rank: number): string => `rank-${rank}`;
/** Each carrier has readers of its own: the same process under another name. */
const readerOf = (name: string, carrier: Carrier): string => `${name}/${carrier}`;

const conversation = new Conversation<RankRequest | { readonly places: readonly RankPlace[] }>();

async function main({ rank, carriers, processes, maxBytes }: RankSetup): Promise<void> {
  const self = nameOf(rank);
  const rpc = new RpcServer(['lockstep.v1.Bulk'], HEARTBEAT_MS);
  const bulk = new BulkServer(rpc, security, counters);
  const { port } = await rpc.listen({ host: HOST, port: 0 }, security);
  bulk.serveAs({ id: self, runId: RUN_ID });
  const memory = new RankMemory(maxBytes / 4, processes);
  const offer = carriers.includes('shm') ? offerPart(memory.vectors).offer : null;
  const place: RankPlace = { port, vectors: offer === null ? null : { ...offer, nonce: [...offer.nonce] } };
  conversation.say(place);
  const told = await conversation.hear();
  if (told === null || !('places' in told)) return;
  told.places.forEach(({ vectors }, other) => {
    if (vectors === null || other === rank) return;
    memory.map(nameOf(other), { ...vectors, nonce: Uint8Array.from(vectors.nonce) });
    bulk.offer(readerOf(nameOf(other), 'shm'), memory.vectors);
  });

  let current: AllReduce | null = null;
  let early: Piece[] = [];
  const receive = (piece: Piece): void => {
    if (current !== null) current.receive(piece);
    else early.push(keptPiece(piece, memory));
  };
  const others = told.places.map((of, other) => ({ port: of.port, other })).filter(({ other }) => other !== rank);
  const open = (carrier: Carrier) =>
    others.map((other) => {
      const mapped = carrier === 'shm' ? memory.mappedOf(nameOf(other.other)) : null;
      return openReader(self, other, carrier, mapped, receive);
    });
  await Promise.all(carriers.flatMap(open));
  conversation.say({ ready: true });

  for (let request = await conversation.hear(); request !== null; request = await conversation.hear()) {
    if ('places' in request) continue;
    const { carrier } = request;
    current = new AllReduce({
      self,
      members: Array.from({ length: request.processes }, (_, member) => nameOf(member)),
      collective: request.collective,
      elements: request.bytes / 4,
      format: request.format,
      memory,
      shares: (member) => carrier === 'shm' && memory.mappedOf(member) !== null,
      send: (to, piece) => bulk.send(readerOf(to, carrier), piece),
    });
    const before = early;
    early = [];
    for (const piece of before) current.receive(piece);
    const answer = await measure(current, rank, request, () => bulk.flushed());
    current = null;
    conversation.say(answer);
  }
}

function openReader(
  self: string,
  { port, other }: { readonly port: number; readonly other: number },
  carrier: Carrier,
  mapped: MemoryPart | null,
  piece: (piece: Piece) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    new BulkReader(
      {
        address: { host: HOST, port },
        self: readerOf(self, carrier),
        source: nameOf(other),
        runId: RUN_ID,
        security,
        heartbeatTimeoutMs: HEARTBEAT_MS,
        lanes: 1,
        carrier,
        counters,
        mapped,
      },
      {
        piece,
        opened: () => resolve(),
        lost: (reason) => reject(new LockstepError('unavailable', `rank ${other} over ${carrier}: ${reason}`)),
      },
    );
  });
}

/** @param flushed resolves when the bytes of the last all-reduce may be written again. */
async function measure(
  allReduce: AllReduce,
  rank: number,
  { processes, step: first, times, check }: RankRequest,
  flushed: () => Promise<void>,
): Promise<RankAnswer> {
  let step = first;
  const { part } = allReduce;
  const pattern = (i: number): number => (i % 7) + 1;
  if (check) part.forEach((_, i) => (part[i] = (rank + 1) * pattern(i)));
  // The first one brings everybody to the same point, and touches the memory.
  await allReduce.run(step);
  step += 1;
  if (check) {
    const factor = (processes * (processes + 1)) / 2;
    const wrong = allReduce.result.findIndex((value, i) => value !== factor * pattern(i));
    if (wrong >= 0) throw new LockstepError('internal', `rank ${rank}: element ${wrong} of the sum is wrong`);
  }
  await flushed();
  part.fill(0);
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let time = 0; time < times; time += 1) {
    await flushed();
    await allReduce.run(step);
    step += 1;
  }
  const ms = (performance.now() - start) / times;
  const { user, system } = process.cpuUsage(cpu);
  await flushed();
  return { ms, cpuMs: (user + system) / 1000 / times };
}

await serve(main);
