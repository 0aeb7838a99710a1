/** Stopping early, over real processes: the same end on any number of workers, and across restarts at any point. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCheckpoint } from '../../src/state/checkpoint.js';
import { workplace } from '../support/processes.js';
import { train } from './cluster.js';
import { measured, trainingSteps } from './results.js';
import { jobText, STEPS_PER_EPOCH, writeSmallJob } from './small-job.js';

const TIMEOUT_MS = 240_000;
const folder = workplace();
/** Learns fast, then by heart: the dev loss rises long before the last epoch. */
const job = writeSmallJob(
  join(folder, 'job'),
  jobText()
    .replace('epochs: 3', 'epochs: 30')
    .replace('l2: 0.5', 'l2: 0')
    .replace('{ type: dropout, keepProb: 0.8 }', 'relu')
    .replace('training:', 'training:\n  earlyStopping: { patience: 2, metric: loss }'),
);

describe('a job that stops early', () => {
  it(
    'ends with the same best weights on 1 and 3 workers, and when it is interrupted',
    { timeout: TIMEOUT_MS },
    async () => {
      const alone = await train(job, join(folder, 'alone'), ['--workers', '1']);
      const { best } = alone.record;
      expect(best?.stoppedEarly).toBe(true);
      const steps = trainingSteps(alone).length;
      expect(steps).toBe((best?.step ?? 0) + 2 * STEPS_PER_EPOCH);
      expect(steps).toBeLessThan(30 * STEPS_PER_EPOCH);
      expect(alone.record.final.dev?.loss).toBe(best?.value);
      expect(alone.events.filter(({ type }) => type === 'earlyStopping')).toMatchObject([{ bestStep: best?.step }]);

      const three = await train(job, join(folder, 'three'), ['--workers', '3']);
      expect(three.record.weightsSha256).toBe(alone.record.weightsSha256);
      expect(measured(three)).toEqual(measured(alone));
      expect(three.evaluation).toEqual(alone.evaluation);

      // Once in the middle of an epoch, once between a step and its evaluation, once between the best evaluation and the end.
      const out = join(folder, 'resumed');
      const at = [STEPS_PER_EPOCH + 4, 2 * STEPS_PER_EPOCH, (best?.step ?? 0) + STEPS_PER_EPOCH];
      for (const step of at) await train(job, out, ['--max-steps', String(step), '--resume', 'auto']);
      const resumed = await train(job, out, ['--resume', 'auto', '--workers', '2']);
      expect(resumed.record.best).toEqual(best);
      expect(resumed.record.weightsSha256).toBe(alone.record.weightsSha256);
      expect(measured(resumed)).toEqual(measured(alone));

      // The last checkpoint holds the state that training ended in, and the best weights beside it.
      const checkpoint = await loadCheckpoint(
        join(out, 'checkpoints', `step-${String(steps).padStart(8, '0')}.safetensors`),
      );
      expect(checkpoint.weightsSha256).not.toBe(alone.record.weightsSha256);
      expect(checkpoint.best).not.toBeNull();
    },
  );
});
