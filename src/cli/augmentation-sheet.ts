/** `lockstep check --augmentation`: a picture of what training will see. */
import { encode } from 'fast-png';
import type { PreparedJob } from '../../coordinator/prepare.js';
import { LockstepError } from '../common/errors.js';
import { effectiveAugmentation } from '../data/augment/augmenter.js';
import { contactSheet, samplesToShow, SHEET_EPOCHS } from '../data/augment/contact-sheet.js';
import { writeFileAtomic } from '../state/atomic-write.js';

/** What was written. */
export interface AugmentationSheet {
  readonly path: string;
  /** Rows: numbers of the samples in the training split. */
  readonly samples: readonly number[];
  /** Columns after the original. */
  readonly epochs: number;
}

/**
 * Writes a contact sheet as a PNG file.
 *
 * @throws LockstepError `job` when there is nothing that can be shown; `usage` or `unavailable` when the file cannot be written
 */
export async function writeAugmentationSheet({ job, data }: PreparedJob, path: string): Promise<AugmentationSheet> {
  const spec = effectiveAugmentation(job.data.augmentation);
  if (spec === null) {
    throw new LockstepError('job', 'there is no augmentation to show: data.augmentation changes nothing in this job', {
      hint: 'Switch something on, for example with --set data.augmentation.rotation=15.',
    });
  }
  const { train } = data.splits;
  const channels = train.featureShape.at(-1) ?? 0;
  if (channels !== 1 && channels !== 3) {
    throw new LockstepError('job', `images of ${channels} channels cannot be shown: a PNG has 1 (grey) or 3 (colour)`, {
      hint: 'Leave out --augmentation; training is not affected.',
    });
  }
  const samples = samplesToShow(train, data.classes?.length ?? null);
  await writeFileAtomic(path, [encode(contactSheet(train, spec, job.seed, samples))]);
  return { path, samples, epochs: SHEET_EPOCHS };
}
