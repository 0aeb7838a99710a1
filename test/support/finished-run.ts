/** A run directory as any other program would read it: JSON, JSON lines and safetensors, without the product's code. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Job } from '../../src/job/job.js';
import type { Tensors } from './textbook-network.js';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'lockstep.js');

export interface FinishedRun {
  readonly job: Job;
  readonly weightsSha256: string;
  readonly final: Readonly<Partial<Record<'train' | 'dev' | 'test', { loss: number; accuracy?: number }>>>;
  readonly normalization: { readonly mean: readonly number[]; readonly inverseDeviation: readonly number[] };
  /** Loss of each step's batch, at the weights that the step started from. */
  readonly stepLosses: readonly number[];
  readonly tensors: Tensors;
}

/** `lockstep train` in a process of its own, with one worker and the WASM kernels. */
export async function trainToEnd(jobPath: string, out: string, ...flags: readonly string[]): Promise<FinishedRun> {
  const fixed = ['--backend', 'wasm', '--workers', '1', '--quiet', '--out', out];
  await promisify(execFile)(process.execPath, [COMMAND, 'train', jobPath, ...fixed, ...flags]);
  return readRun(out);
}

function readRun(path: string): FinishedRun {
  const record = JSON.parse(readFileSync(join(path, 'run.json'), 'utf8')) as Omit<
    FinishedRun,
    'stepLosses' | 'tensors'
  >;
  const lines = readFileSync(join(path, 'metrics.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const metrics = lines.map((line) => JSON.parse(line) as { step: number; loss: number; evaluation?: true });
  const stepLosses = metrics.filter(({ evaluation }) => evaluation === undefined).map(({ loss }) => loss);
  return { ...record, stepLosses, tensors: readSafetensors(readFileSync(join(path, 'model.safetensors'))) };
}

function readSafetensors(file: Buffer): Tensors {
  const headerLength = Number(file.readBigUInt64LE(0));
  const start = 8 + headerLength;
  const header = JSON.parse(file.toString('utf8', 8, start)) as Record<
    string,
    { dtype: string; data_offsets: [number, number] }
  >;
  const tensors: Tensors = new Map();
  for (const [name, { dtype, data_offsets }] of Object.entries(header)) {
    if (dtype !== 'F32') continue;
    const [from, to] = data_offsets;
    tensors.set(
      name,
      Array.from({ length: (to - from) / 4 }, (_, i) => file.readFloatLE(start + from + 4 * i)),
    );
  }
  return tensors;
}
