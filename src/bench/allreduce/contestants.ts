/** Groups of processes that can all-reduce a vector: Lockstep's own, and Gloo's through PyTorch. */
import type { CollectiveName } from '../../protocol/messages.js';
import type { Carrier, WireFormat } from '../../protocol/piece.js';
import { offerMemory } from '../../transport/shared-memory.js';
import { LockstepError } from '../../common/errors.js';
import { builtModule } from '../../common/package.js';
import { temporaryFolder } from '../leftovers.js';
import { NO_PEERS, TORCH_HINT, pythonEnvironment, peerScript, pythons } from '../peers.js';
import { MeasuredProcess } from '../processes.js';
import type { RankAnswer, RankPlace, RankRequest, RankSetup } from './rank.js';

export interface Question {
  /** How many processes take part. */
  readonly processes: number;
  /** Size of the vector in float32. */
  readonly bytes: number;
  readonly times: number;
  readonly check: boolean;
}

export interface Contestant {
  readonly name: string;
  readonly collective: CollectiveName | null;
  readonly carrier: Carrier | null;
  readonly format: WireFormat;
  /** Wall time of one all-reduce (ms), of the slowest process; CPU time of the busiest. */
  ask(question: Question): Promise<RankAnswer>;
}

/** The slowest and the busiest of those that took part. */
async function askAll(ranks: readonly MeasuredProcess[], request: object): Promise<RankAnswer> {
  for (const rank of ranks) rank.say(request);
  const answers = await Promise.all(ranks.map((rank) => rank.hear<RankAnswer>()));
  return {
    ms: Math.max(...answers.map(({ ms }) => ms)),
    cpuMs: Math.max(...answers.map(({ cpuMs }) => cpuMs)),
  };
}

/** Starts Lockstep's processes, and returns the ways in which they can do it. */
export async function startLockstep(
  processes: number,
  collectives: readonly CollectiveName[],
  carriers: readonly Carrier[],
  formats: readonly WireFormat[],
  maxBytes: number,
): Promise<readonly Contestant[]> {
  const ranks = Array.from({ length: processes }, (_, rank) => {
    const setup: RankSetup = { rank, carriers, processes, maxBytes };
    return MeasuredProcess.ofModule(`rank ${rank}`, builtModule('src/bench/allreduce/rank.js'), setup);
  });
  const places = await Promise.all(ranks.map((rank) => rank.hear<RankPlace>()));
  await Promise.all(ranks.map((rank) => rank.ask({ places })));
  let step = 0;
  const ways = formats.flatMap((format) =>
    carriers.flatMap((carrier) => collectives.map((collective) => ({ collective, carrier, format }))),
  );
  return ways.map((way) => ({
    ...way,
    name: [way.collective, way.carrier, ...(way.format === 'float32' ? [] : [way.format])].join(', '),
    ask(question: Question) {
      const request: RankRequest = { ...question, ...way, step };
      step += question.times + 1;
      return askAll(ranks.slice(0, question.processes), request);
    },
  }));
}

/** What can carry pieces between processes of this host; and why that is not everything. */
export function usableCarriers(): { readonly carriers: readonly Carrier[]; readonly missing: string | null } {
  try {
    offerMemory(4096).release();
    return { carriers: ['shm', 'grpc'], missing: null };
  } catch (thrown) {
    return { carriers: ['grpc'], missing: LockstepError.from(thrown).message };
  }
}

/** Starts Gloo's processes; or says why there are none. @param groups all numbers of processes that will be asked for. */
export async function startGloo(groups: readonly number[]): Promise<Contestant | { readonly missing: string }> {
  const script = peerScript('torch_allreduce.py');
  if (script === null) return { missing: NO_PEERS };
  let missing = 'Gloo: no python3 is installed';
  for (const python of pythons()) {
    const folder = temporaryFolder();
    const world = Math.max(...groups);
    const ranks = Array.from({ length: world }, (_, rank) => {
      const args = [script, String(rank), groups.join(','), `${folder.path}/store`];
      return new MeasuredProcess('Gloo', python, args, { env: pythonEnvironment(1) });
    });
    const answers = await Promise.all(
      ranks.map((rank) => rank.hear<{ missing?: string }>().catch((error: Error) => ({ missing: error.message }))),
    );
    const refusal = answers.find((answer) => answer.missing !== undefined)?.missing;
    folder.remove();
    if (refusal === undefined) {
      return {
        name: 'Gloo',
        collective: null,
        carrier: null,
        format: 'float32',
        ask: (question) => askAll(ranks.slice(0, question.processes), question),
      };
    }
    missing = `Gloo: ${refusal}; ${TORCH_HINT}`;
    await Promise.all(ranks.map((rank) => rank.end()));
  }
  return { missing };
}
