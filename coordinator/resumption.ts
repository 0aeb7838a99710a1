/** Which checkpoint a run goes on from, and whether it is one of the same job. */
import { LockstepError } from '../src/common/errors.js';
import type { Logger } from '../src/observe/logger.js';
import { latestCheckpoint, loadCheckpoint, type LoadedCheckpoint } from '../src/state/checkpoint.js';
import type { PreparedJob } from './prepare.js';

/**
 * @param resume `auto`: the newest intact one in `out`; `never`; or the path of one.
 * @returns null where the run begins anew.
 * @throws LockstepError `data` or `usage` for a named one that cannot be read.
 */
export async function findCheckpoint(
  out: string | null,
  resume: string,
  logger: Logger,
): Promise<LoadedCheckpoint | null> {
  if (resume === 'never') return null;
  if (resume !== 'auto') return loadCheckpoint(resume);
  if (out === null) return null;
  const { checkpoint, skipped } = await latestCheckpoint(`${out}/checkpoints`);
  for (const { path, reason } of skipped) logger.warn({ path }, `passed over a checkpoint: ${reason}`);
  return checkpoint;
}

/** @throws LockstepError `usage` for a checkpoint that another job, data set or backend has left. */
export function checkResumable({ state, path }: LoadedCheckpoint, prepared: PreparedJob): void {
  const differs =
    state.jobHash !== prepared.jobHash
      ? 'it belongs to another job: something that decides the result was changed'
      : state.dataFingerprint !== prepared.data.fingerprint
        ? 'the data has changed since'
        : state.backend !== prepared.backend
          ? `it was computed with the ${state.backend} backend, and ${prepared.backend} rounds differently: add --backend ${state.backend}`
          : null;
  if (differs === null) return;
  throw new LockstepError('usage', `cannot resume from ${path}: ${differs}`, {
    hint: 'Start a new run with another --out, or with --resume never.',
  });
}
