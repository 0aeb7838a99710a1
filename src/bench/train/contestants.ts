/** Those who train the same job by turns: Lockstep in several ways, and its peers. */
import { builtModule } from '../../common/package.js';
import { temporaryFolder } from '../leftovers.js';
import { NO_PEERS, TORCH_HINT, pythonEnvironment, peerScript, pythons } from '../peers.js';
import { MeasuredProcess } from '../processes.js';
import { peerJob, type BenchJob, type DataFiles, type LockstepSetup } from './jobs.js';
import type { TurnAnswer, TurnRequest } from './turn.js';

export interface Contestant {
  readonly name: string;
  readonly peer: boolean;
  train(steps: number): Promise<TurnAnswer>;
  end(): Promise<void>;
}

/** A contestant, or why it cannot take part. */
export type Entry = Contestant | { readonly missing: string };

interface Opening {
  readonly ready?: true;
  readonly missing?: string;
}

/** Processes that take their turn together; the answer is that of the slowest. */
function contestant(name: string, peer: boolean, processes: readonly MeasuredProcess[]): Contestant {
  return {
    name,
    peer,
    async train(steps) {
      const request: TurnRequest = { steps };
      for (const process of processes) process.say(request);
      const answers = await Promise.all(processes.map((process) => process.hear<TurnAnswer>()));
      const [first] = answers;
      if (first === undefined) throw new RangeError(`${name} has no process`);
      const cpu = answers.map(({ cpuMs }) => cpuMs);
      return {
        ...first,
        ms: Math.max(...answers.map(({ ms }) => ms)),
        cpuMs: cpu.includes(null) ? null : cpu.reduce<number>((sum, ms) => sum + (ms ?? 0), 0),
      };
    },
    async end() {
      await Promise.all(processes.map((process) => process.end()));
    },
  };
}

export interface LockstepKind extends Pick<LockstepSetup, 'workers' | 'threads' | 'shards'> {
  readonly name: string;
}

export async function startLockstep(
  { name, ...kind }: LockstepKind,
  work: Pick<LockstepSetup, 'job' | 'data' | 'backend'>,
): Promise<Entry> {
  const setup: LockstepSetup = { ...work, ...kind };
  const process = MeasuredProcess.ofModule(name, builtModule('src/bench/train/lockstep.js'), setup);
  await process.hear<Opening>();
  return contestant(name, false, [process]);
}

/** PyTorch in one process; names say processes × threads. */
export function startTorch(threads: number, job: BenchJob, data: DataFiles): Promise<Entry> {
  const name = `PyTorch 1×${threads}`;
  return startPython(name, 'torch_step.py', threads, [[JSON.stringify({ ...peerJob(job, data), threads })]]);
}

/** PyTorch's DistributedDataParallel over Gloo, one thread each. */
export async function startDistributedTorch(processes: number, job: BenchJob, data: DataFiles): Promise<Entry> {
  const folder = temporaryFolder();
  const ranks = Array.from({ length: processes }, (_, rank) => [
    String(rank),
    String(processes),
    `${folder.path}/store`,
    JSON.stringify(peerJob(job, data)),
  ]);
  const entry = await startPython(`PyTorch DDP ${processes}×1`, 'torch_ddp.py', 1, ranks);
  folder.remove();
  return entry;
}

async function startPython(
  name: string,
  file: string,
  threads: number,
  argumentsOf: readonly (readonly string[])[],
): Promise<Entry> {
  const script = peerScript(file);
  if (script === null) return { missing: `${name}: ${NO_PEERS}` };
  let missing = `${name}: no python3 is installed`;
  for (const python of pythons()) {
    const processes = argumentsOf.map(
      (args) => new MeasuredProcess(name, python, [script, ...args], { env: pythonEnvironment(threads) }),
    );
    const refusal = await refusalOf(processes);
    if (refusal === null) return contestant(name, true, processes);
    missing = `${name}: ${refusal}; ${TORCH_HINT}`;
    await Promise.all(processes.map((process) => process.end()));
  }
  return { missing };
}

/** TensorFlow.js on its WASM backend. */
export async function startTensorFlow(job: BenchJob, data: DataFiles): Promise<Entry> {
  const name = 'TensorFlow.js WASM';
  const script = peerScript('tfjs-step.mjs');
  if (script === null) return { missing: `${name}: ${NO_PEERS}` };
  const peer = new MeasuredProcess(name, process.execPath, [script, JSON.stringify(peerJob(job, data))]);
  const refusal = await refusalOf([peer]);
  if (refusal === null) return contestant(name, true, [peer]);
  await peer.end();
  return { missing: `${name}: ${refusal}` };
}

async function refusalOf(processes: readonly MeasuredProcess[]): Promise<string | null> {
  const answers = await Promise.all(
    processes.map((process) => process.hear<Opening>().catch((error: Error): Opening => ({ missing: error.message }))),
  );
  return answers.find(({ missing }) => missing !== undefined)?.missing ?? null;
}
