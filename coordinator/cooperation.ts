/**
 * How the workers work together: which collective, and how large its buckets. Neither changes a bit of the result, so where the
 * job leaves it open both are found by trying: each candidate serves for a few steps of the run itself, and the fastest stays.
 * Pure: steps come in with their times, decisions go out with their reason.
 */
import type { CollectiveName, Roster } from '../src/protocol/messages.js';
import { bucketElements } from '../src/reduce/buckets.js';

/** What a roster says besides its members. */
export type Cooperation = Pick<Roster, 'collective' | 'bucketElements'>;

export interface CooperationSettings {
  /** null: to be found. */
  readonly collective: CollectiveName | null;
  /** Elements of a bucket; null: to be found. */
  readonly bucketElements: number | null;
}

/** Steps that a candidate serves before it is measured: connections open, buffers warm up. */
const WARM_UP_STEPS = 3;
/** Steps of which the median is taken. */
const MEASURED_STEPS = 8;
/** With so few workers the fewest hops win, whatever the model. */
const STAR_WORKERS = 2;
/** Below this (1 MiB) a model is moved faster than a second hop is made. */
const STAR_ELEMENTS = 2 ** 18;
/** By how much a candidate must be faster than those before it, which are simpler. */
const ADVANTAGE = 0.97;

interface Trial {
  readonly candidate: Cooperation;
  readonly stepMs: number[];
  medianMs: number | null;
}

export class CooperationChoice {
  readonly #settings: CooperationSettings;
  readonly #elements: number;
  #workers = 0;
  #trials: Trial[] = [];
  #current = 0;
  #settled = true;

  /** @param elements Length of the parameter vector. */
  constructor(settings: CooperationSettings, elements: number) {
    this.#settings = settings;
    this.#elements = elements;
  }

  /** How so many workers work together from now on; another number of workers is tried out anew. */
  of(workers: number): Cooperation {
    if (workers !== this.#workers) {
      this.#workers = workers;
      this.#trials = this.#candidates(workers).map((candidate) => ({ candidate, stepMs: [], medianMs: null }));
      this.#current = 0;
      this.#settled = this.#trials.length === 1;
    }
    return (this.#trials[this.#current] as Trial).candidate;
  }

  /**
   * A step took so long. Returns null while nothing changes; else why another cooperation is wanted from the next step on, or,
   * when `settled`, why the present one stays.
   */
  observe(stepMs: number): { readonly settled: boolean; readonly reason: string } | null {
    const trial = this.#trials[this.#current];
    if (this.#settled || trial === undefined) return null;
    trial.stepMs.push(stepMs);
    if (trial.stepMs.length < WARM_UP_STEPS + MEASURED_STEPS) return null;
    trial.medianMs = median(trial.stepMs.slice(WARM_UP_STEPS));
    if (this.#current + 1 < this.#trials.length) {
      this.#current += 1;
      return { settled: false, reason: `trying ${describe((this.#trials[this.#current] as Trial).candidate)}` };
    }
    this.#current = this.#fastest();
    this.#settled = true;
    const figures = this.#trials.map(
      ({ candidate, medianMs }) => `${describe(candidate)} ${(medianMs ?? 0).toFixed(1)} ms`,
    );
    const chosen = describe((this.#trials[this.#current] as Trial).candidate);
    return { settled: true, reason: `${chosen} for ${this.#workers} workers; step times: ${figures.join(', ')}` };
  }

  #fastest(): number {
    let best = 0;
    this.#trials.forEach(({ medianMs }, index) => {
      if ((medianMs ?? Infinity) < ADVANTAGE * (this.#trials[best]?.medianMs ?? Infinity)) best = index;
    });
    return best;
  }

  /** Simplest first. */
  #candidates(workers: number): Cooperation[] {
    const { collective, bucketElements: size } = this.#settings;
    const tooSmall = workers <= STAR_WORKERS || this.#elements < STAR_ELEMENTS;
    const names: CollectiveName[] =
      collective !== null ? [workers > 1 ? collective : 'star'] : tooSmall ? ['star'] : ['star', 'mesh'];
    return names.flatMap((name) => {
      const usual = size ?? bucketElements(this.#elements, name === 'mesh' ? workers : 1);
      const sizes = size !== null || workers === 1 || this.#elements < STAR_ELEMENTS ? [usual] : [usual, 2 * usual];
      return sizes.map((elements) => ({ collective: name, bucketElements: elements }));
    });
  }
}

function describe({ collective, bucketElements: elements }: Cooperation): string {
  const bytes = elements * 4;
  return `${collective} with buckets of ${bytes >= 2 ** 20 ? `${round(bytes / 2 ** 20)} MiB` : `${round(bytes / 2 ** 10)} KiB`}`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
