import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { latestCheckpoint, listCheckpoints, loadCheckpoint, saveCheckpoint } from '../../src/state/checkpoint.js';
import { readSafetensors, writeSafetensors } from '../../src/state/safetensors.js';
import { weightsSha256 } from '../../src/state/weights-hash.js';
import { checkpointAt, temporaryFolder } from './samples.js';

async function stepsIn(folder: string): Promise<number[]> {
  return (await listCheckpoints(folder)).map(({ step }) => step);
}

/** Flips one bit of a byte, counted from the end. */
async function flipBit(path: string, fromEnd: number): Promise<void> {
  const bytes = await readFile(path);
  const at = bytes.length - fromEnd;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

describe('checkpoints', () => {
  it('come back whole: tensors in order, slots, state, fingerprint', async () => {
    const folder = join(await temporaryFolder(), 'checkpoints');
    const checkpoint = checkpointAt(1234);
    const saved = await saveCheckpoint(folder, checkpoint, 3);
    expect(basename(saved.path)).toBe('step-00001234.safetensors');

    const loaded = await loadCheckpoint(saved.path);
    expect(loaded.state).toEqual(checkpoint.state);
    expect(loaded.tensors).toEqual(checkpoint.tensors);
    expect([...loaded.slots]).toEqual([...checkpoint.slots]);
    expect(loaded.weightsSha256).toBe(weightsSha256(checkpoint.tensors.map(({ data }) => data)));
    expect(loaded.weightsSha256).toBe(saved.weightsSha256);
  });

  it('keep the sums of an epoch exactly, also where JSON has no number for them', async () => {
    const base = checkpointAt(1);
    const progress = { third: 1 / 3, nothing: Number.NaN, most: Number.MAX_VALUE, best: Number.NEGATIVE_INFINITY };
    const { path } = await saveCheckpoint(await temporaryFolder(), { ...base, state: { ...base.state, progress } }, 1);
    expect((await loadCheckpoint(path)).state.progress).toEqual(progress);
  });

  it('lie in a file that any reader of safetensors understands', async () => {
    const { path } = await saveCheckpoint(await temporaryFolder(), checkpointAt(5), 1);
    const { tensors, metadata } = await readSafetensors(path);
    expect([...tensors.keys()]).toEqual(['0.dense.weight', '0.dense.bias', 'optimizer/velocity', 'optimizer/square']);
    expect(JSON.parse(metadata['lockstep'] ?? '')).toMatchObject({
      format: 1,
      step: 5,
      epoch: 1,
      backend: 'wasm',
      seed: 7,
    });
  });

  it('hold the weights of the moment of the call, even when training goes on at once', async () => {
    const checkpoint = checkpointAt(3);
    const saving = saveCheckpoint(await temporaryFolder(), checkpoint, 1);
    checkpoint.tensors[0]?.data.fill(0);
    checkpoint.slots.get('square')?.fill(0);
    const loaded = await loadCheckpoint((await saving).path);
    expect(loaded.tensors).toEqual(checkpointAt(3).tensors);
    expect([...loaded.slots]).toEqual([...checkpointAt(3).slots]);
  });

  it('are pruned to the newest few, by number and not by name', async () => {
    const folder = await temporaryFolder();
    for (const step of [9, 10, 99_999_999, 100_000_000]) await saveCheckpoint(folder, checkpointAt(step), 3);
    expect(await stepsIn(folder)).toEqual([10, 99_999_999, 100_000_000]);
    await saveCheckpoint(folder, checkpointAt(100_000_001), 0);
    expect(await stepsIn(folder)).toEqual([100_000_001]);
  });

  it('of a continuation that was given up go with the next save, and never push out the one just saved', async () => {
    const folder = await temporaryFolder();
    for (const step of [10, 20, 30]) await saveCheckpoint(folder, checkpointAt(step), 3);
    await truncate((await listCheckpoints(folder))[2]?.path ?? '', 100);
    await saveCheckpoint(folder, checkpointAt(25), 1);
    expect(await stepsIn(folder)).toEqual([25]);
  });

  it('leave other files alone, except what a process that died did not finish', async () => {
    const folder = await temporaryFolder();
    for (const name of ['notes.txt', 'step-1.safetensors', '.step-00000001.safetensors.77-0.tmp']) {
      await writeFile(join(folder, name), 'x');
    }
    await saveCheckpoint(folder, checkpointAt(2), 1);
    expect((await readdir(folder)).sort()).toEqual(['notes.txt', 'step-00000002.safetensors', 'step-1.safetensors']);
  });

  it('are none where there is no folder', async () => {
    expect(await latestCheckpoint('no/such/folder')).toEqual({ checkpoint: null, skipped: [] });
  });
});

describe('damaged checkpoints', () => {
  it('are passed over, newest first, with the reason', async () => {
    const folder = await temporaryFolder();
    for (const step of [10, 20, 30]) await saveCheckpoint(folder, checkpointAt(step), 3);
    const [, second, newest] = (await listCheckpoints(folder)).map(({ path }) => path);
    await truncate(newest ?? '', 300);
    await flipBit(second ?? '', 1);
    const { checkpoint, skipped } = await latestCheckpoint(folder);
    expect(checkpoint?.state.step).toBe(10);
    expect(skipped.map(({ path }) => path)).toEqual([newest, second]);
    expect(skipped[0]?.reason).toContain('header should have');
    expect(skipped[1]?.reason).toContain('the fingerprint of the optimizer state does not match');
  });

  it('are noticed by one bit of one weight', async () => {
    const { path } = await saveCheckpoint(await temporaryFolder(), checkpointAt(1), 1);
    await flipBit(path, 4 * (15 + 15) + 1);
    await expect(loadCheckpoint(path)).rejects.toMatchObject({
      code: 'data',
      message: /fingerprint of the weights does not match/,
    });
  });

  it('are told from files without a state, or with one of another format', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'model.safetensors');
    await writeSafetensors(path, []);
    await expect(loadCheckpoint(path)).rejects.toMatchObject({ code: 'data', message: /not a checkpoint/ });
    for (const state of ['{', '{"format":2}', '[]']) {
      await writeSafetensors(path, [], { lockstep: state });
      await expect(loadCheckpoint(path)).rejects.toMatchObject({
        code: 'data',
        message: /malformed or of another format/,
      });
    }
  });

  it('cannot be made by names that belong to the checkpoint', async () => {
    const checkpoint = {
      ...checkpointAt(1),
      tensors: [{ name: 'optimizer/x', shape: [0], data: new Float32Array(0) }],
    };
    await expect(saveCheckpoint(await temporaryFolder(), checkpoint, 1)).rejects.toThrow(/are for checkpoints/);
  });
});
