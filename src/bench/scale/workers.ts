/**
 * One of the processes of `lockstep bench scale` that hold waiting workers. Told a {@link WorkersRequest} its workers join the
 * coordinator over gRPC like any other, each with a server of its own; when the coordinator has let all of them go it says {left}.
 */
import { hostname } from 'node:os';
import { Agent } from '../../../worker/agent.js';
import { LockstepError } from '../../common/errors.js';
import { packageVersion } from '../../common/package.js';
import type { CoordinatorLinkEvents } from '../../protocol/link.js';
import { formatAddress, type Address } from '../../rpc/address.js';
import { GrpcCoordinatorLink } from '../../transport/grpc-coordinator-link.js';
import { WorkerServer } from '../../transport/worker-server.js';
import { Conversation, serve } from '../lines.js';
import { phaseOf, type Phase } from './plan.js';
import { WaitingEngine } from './waiting-engine.js';

export interface WorkersRequest {
  readonly coordinator: Address;
  /** Where the workers listen. */
  readonly host: string;
  readonly count: number;
  readonly phases: readonly Phase[];
}

const HEARTBEAT_MS = 60_000;
const security = { token: null };
const transfers = { sent: () => undefined, received: () => undefined };

/** Joins; resolves when the worker's part is over. */
async function takePart({ coordinator, host, phases }: WorkersRequest): Promise<void> {
  const server = await WorkerServer.start({ host, port: 0 }, security, HEARTBEAT_MS, transfers);
  const events: CoordinatorLinkEvents = {
    message: (message) => agent.message(message),
    piece: (piece) => agent.piece(piece),
    // The others may be gone first.
    peerLost: () => undefined,
    lost: (reason, final) => agent.lost(reason, final),
  };
  const hello = {
    type: 'hello',
    version: packageVersion(),
    backend: 'wasm',
    threads: 1,
    address: formatAddress(server.address),
    host: hostname(),
    pid: process.pid,
  } as const;
  const link = new GrpcCoordinatorLink(
    { coordinator, security, heartbeatTimeoutMs: HEARTBEAT_MS, hello, server, transfers },
    events,
  );
  const agent: Agent = new Agent({
    link,
    startEngine: (welcome) => {
      const waitMs = (step: number): number => phases[phaseOf(phases, step)]?.waitMs ?? 0;
      return Promise.resolve(new WaitingEngine(welcome, waitMs));
    },
    observer: { ready: () => undefined, stepDone: () => undefined },
  });
  const ending = await agent.ended;
  await link.close();
  await agent.close();
  await server.close();
  // The end of a stream of pieces may overtake the coordinator's farewell.
  if (ending.reason !== 'stopped' && ending.reason !== 'lost')
    throw new LockstepError('unavailable', `a worker ended: ${ending.message}`);
}

async function main(): Promise<void> {
  const conversation = new Conversation<WorkersRequest>();
  for (let request = await conversation.hear(); request !== null; request = await conversation.hear()) {
    const part = request;
    await Promise.all(Array.from({ length: part.count }, () => takePart(part)));
    conversation.say({ left: part.count });
  }
}

await serve(main);
