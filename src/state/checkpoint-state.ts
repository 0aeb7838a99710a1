import { z } from 'zod';
import { LockstepError } from '../common/errors.js';

/** Everything in a checkpoint that is not a tensor. */
export interface CheckpointState {
  /** Fingerprint of everything in the job that decides the result; a checkpoint continues no other job. */
  readonly jobHash: string;
  /** Steps done. The schedule, the sampler and every random number follow from it. */
  readonly step: number;
  /** Epochs completed. */
  readonly epoch: number;
  /** Kernel backend that computed it; another one would go on with other bits. */
  readonly backend: string;
  readonly seed: number;
  /** Fingerprint of the training data. */
  readonly dataFingerprint: string;
  /** Sums that run over an epoch or a run (loss, samples, best so far), by name; any float64, NaN and ±∞ included. */
  readonly progress: Readonly<Record<string, number>>;
}

/** Fingerprints of the tensors, by which damage is noticed. */
export interface CheckpointHashes {
  /** Over weights and running statistics, in model order: `weightsSha256` of the run. */
  readonly weightsSha256: string;
  /** Over the optimizer's slots, in the order of the file. */
  readonly slotsSha256: string;
}

/** Version of the layout of checkpoints. */
const FORMAT = 1;

const count = z.number().int().nonnegative();
/** JSON has no numbers for these. */
const nonFinite = z.enum(['NaN', 'Infinity', '-Infinity']);

const schema = z.object({
  format: z.literal(FORMAT),
  jobHash: z.string(),
  step: count,
  epoch: count,
  backend: z.string(),
  seed: count,
  dataFingerprint: z.string(),
  progress: z.record(z.string(), z.union([z.number(), nonFinite.transform(Number)])),
  weightsSha256: z.string(),
  slotsSha256: z.string(),
});

/** As text for the metadata of a safetensors file. */
export function encodeState(state: CheckpointState, hashes: CheckpointHashes): string {
  const progress = Object.fromEntries(
    Object.entries(state.progress).map(([name, value]) => [name, Number.isFinite(value) ? value : String(value)]),
  );
  return JSON.stringify({ format: FORMAT, ...state, progress, ...hashes });
}

/**
 * The inverse of {@link encodeState}.
 *
 * @param where the file, for messages
 * @throws LockstepError `data` when the text is missing, malformed or of another format
 */
export function decodeState(
  text: string | undefined,
  where: string,
): { state: CheckpointState; hashes: CheckpointHashes } {
  if (text === undefined) {
    throw new LockstepError('data', `${where}: holds tensors, but no state of a run: it is not a checkpoint`);
  }
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new LockstepError('data', `${where}: the state of the run is malformed or of another format than ${FORMAT}`, {
      hint: 'Continue with the version that wrote it, or from another checkpoint.',
      cause: parsed.error,
    });
  }
  const { format: _format, weightsSha256, slotsSha256, ...state } = parsed.data;
  return { state, hashes: { weightsSha256, slotsSha256 } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
