/**
 * Checkpoints: everything that the rest of a run depends on, as one safetensors file per checkpoint. Tensors go by
 * their model names, the optimizer's slots as `optimizer/<slot>`, the best model so far, where one is kept, as `best/<name>`, and the rest lies as JSON under `lockstep` in the
 * metadata.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '../common/errors.js';
import type { Shape } from '../common/shape.js';
import { TEMPORARY_SUFFIX, writeFileAtomic } from './atomic-write.js';
import { decodeState, encodeState, type CheckpointState } from './checkpoint-state.js';
import { fileError } from './file-errors.js';
import { makeFolder, namesIn } from './folders.js';
import { encodeSafetensors, readSafetensors, type Tensor } from './safetensors.js';
import { weightsSha256 } from './weights-hash.js';

export interface ModelTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array;
}

export interface Checkpoint {
  readonly state: CheckpointState;
  /** Weights and batch-norm running statistics, in model order. */
  readonly tensors: readonly ModelTensor[];
  /** The optimizer's slots by name, each one vector as long as all parameters. */
  readonly slots: ReadonlyMap<string, Float32Array>;
  /** The model that did best on the dev split so far, where the job stops early; tensors as above. */
  readonly best?: readonly ModelTensor[] | null;
}

export interface LoadedCheckpoint extends Checkpoint {
  readonly path: string;
  readonly weightsSha256: string;
}

export interface CheckpointFile {
  readonly step: number;
  readonly path: string;
}

export interface LatestCheckpoint {
  /** The newest that is whole; null when there is none. */
  readonly checkpoint: LoadedCheckpoint | null;
  /** Newer ones that were passed over, newest first. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

const STATE_KEY = 'lockstep';
const SLOT_PREFIX = 'optimizer/';
const BEST_PREFIX = 'best/';
const FILE_NAME = /^step-(\d{8,})\.safetensors$/;

/** `step-00001234.safetensors` */
export function checkpointFileName(step: number): string {
  return `step-${String(step).padStart(8, '0')}.safetensors`;
}

/**
 * Writes a checkpoint atomically, then removes all but the `keep` newest up to its step. Checkpoints of later steps go
 * too: they are damaged, or belong to a continuation that was given up when the run was resumed from before them. The
 * tensors are copied before the first await and may change at once. One save at a time per folder.
 *
 * @param folder the run's `checkpoints` folder, made when missing
 * @param keep at least 1 is kept
 * @throws LockstepError `usage` or `unavailable` when the file system refuses
 */
export async function saveCheckpoint(
  folder: string,
  checkpoint: Checkpoint,
  keep: number,
): Promise<{ path: string; weightsSha256: string }> {
  const { state, tensors, slots, best = null } = checkpoint;
  const hashes = {
    weightsSha256: weightsSha256(tensors.map(({ data }) => data)),
    slotsSha256: weightsSha256(beside(slots, best)),
  };
  const content = encodeSafetensors(toFileTensors(tensors, slots, best ?? []), {
    [STATE_KEY]: encodeState(state, hashes),
  });
  const path = join(folder, checkpointFileName(state.step));
  try {
    await makeFolder(folder);
    await writeFileAtomic(path, content);
    await prune(folder, state.step, Math.max(1, keep));
  } catch (thrown) {
    throw fileError('write', path, thrown);
  }
  return { path, weightsSha256: hashes.weightsSha256 };
}

/** The checkpoints in a folder by rising step, whole or not; none when there is no folder. */
export async function listCheckpoints(folder: string): Promise<CheckpointFile[]> {
  return (await namesIn(folder))
    .flatMap((name) => {
      const step = FILE_NAME.exec(name)?.[1];
      return step === undefined ? [] : [{ step: Number(step), path: join(folder, name) }];
    })
    .sort((a, b) => a.step - b.step);
}

/** The newest checkpoint that can be read in full and whose fingerprints are right. */
export async function latestCheckpoint(folder: string): Promise<LatestCheckpoint> {
  const skipped: { path: string; reason: string }[] = [];
  for (const { path } of (await listCheckpoints(folder)).reverse()) {
    try {
      return { checkpoint: await loadCheckpoint(path), skipped };
    } catch (thrown) {
      if (!(thrown instanceof LockstepError) || thrown.code !== 'data') throw thrown;
      skipped.push({ path, reason: thrown.message });
    }
  }
  return { checkpoint: null, skipped };
}

/**
 * Reads one checkpoint in full.
 *
 * @throws LockstepError `data` when it is damaged or no checkpoint; `usage` when it cannot be opened
 */
export async function loadCheckpoint(path: string): Promise<LoadedCheckpoint> {
  const file = await readSafetensors(path);
  const { state, hashes } = decodeState(file.metadata[STATE_KEY], path);
  const { tensors, slots, best } = fromFileTensors(file.tensors.values(), path);
  checkHash(
    'weights',
    hashes.weightsSha256,
    tensors.map(({ data }) => data),
    path,
  );
  checkHash('optimizer state', hashes.slotsSha256, beside(slots, best), path);
  return { path, state, tensors, slots, best, weightsSha256: hashes.weightsSha256 };
}

/** Whatever a checkpoint holds besides the model, in the order of the file. */
function beside(slots: ReadonlyMap<string, Float32Array>, best: readonly ModelTensor[] | null): Float32Array[] {
  return [...slots.values(), ...(best ?? []).map(({ data }) => data)];
}

function toFileTensors(
  tensors: readonly ModelTensor[],
  slots: ReadonlyMap<string, Float32Array>,
  best: readonly ModelTensor[],
): Tensor[] {
  for (const { name } of tensors) {
    if (name.startsWith(SLOT_PREFIX) || name.startsWith(BEST_PREFIX))
      throw new RangeError(`tensor name ${name}: ${SLOT_PREFIX} and ${BEST_PREFIX} are for checkpoints`);
  }
  return [
    ...tensors.map((tensor) => ({ ...tensor, dtype: 'F32' as const })),
    ...Array.from(slots, ([slot, data]) => ({
      name: `${SLOT_PREFIX}${slot}`,
      shape: [data.length],
      dtype: 'F32' as const,
      data,
    })),
    ...best.map((tensor) => ({ ...tensor, name: `${BEST_PREFIX}${tensor.name}`, dtype: 'F32' as const })),
  ];
}

function fromFileTensors(
  fileTensors: Iterable<Tensor>,
  path: string,
): { tensors: ModelTensor[]; slots: Map<string, Float32Array>; best: ModelTensor[] | null } {
  const tensors: ModelTensor[] = [];
  const best: ModelTensor[] = [];
  const slots = new Map<string, Float32Array>();
  for (const { name, shape, dtype, data } of fileTensors) {
    if (dtype !== 'F32')
      throw new LockstepError('data', `${path}: tensor ${name} is ${dtype}; checkpoints hold F32 only`);
    if (name.startsWith(SLOT_PREFIX)) slots.set(name.slice(SLOT_PREFIX.length), data);
    else if (name.startsWith(BEST_PREFIX)) best.push({ name: name.slice(BEST_PREFIX.length), shape, data });
    else tensors.push({ name, shape, data });
  }
  return { tensors, slots, best: best.length === 0 ? null : best };
}

function checkHash(what: string, expected: string, tensors: Iterable<Float32Array>, path: string): void {
  if (weightsSha256(tensors) === expected) return;
  throw new LockstepError('data', `${path}: the fingerprint of the ${what} does not match: the file is damaged`, {
    hint: 'Resume from an older checkpoint.',
  });
}

async function prune(folder: string, step: number, keep: number): Promise<void> {
  const all = await listCheckpoints(folder);
  const kept = new Set(all.filter((file) => file.step <= step).slice(-keep));
  const unfinished = (await namesIn(folder)).filter(
    (name) => name.startsWith('.step-') && name.endsWith(TEMPORARY_SUFFIX),
  );
  const removed = [
    ...all.filter((file) => !kept.has(file)).map(({ path }) => path),
    ...unfinished.map((name) => join(folder, name)),
  ];
  await Promise.all(removed.map((path) => rm(path, { force: true })));
}
