/**
 * How the layers of a model fare in training: what gradients and updates do to each of them, and when one of them runs away.
 * Vanishing and exploding gradients: Bengio, Simard & Frasconi 1994; Glorot & Bengio 2010. All figures are exact functions of committed
 * steps; warnings are for people and change nothing.
 */
import { sizeOf } from '../src/common/shape.js';
import { SmoothedMean } from '../src/common/smoothed-mean.js';
import type { Model, ModelNode } from '../src/nn/model.js';
import type { ActiveUnits } from '../src/protocol/messages.js';
import type { LayerHealth } from '../src/state/run-record.js';
import type { ParameterNorms } from './parameter-update.js';

/** The layers that have parameters, in model order. */
export function trainedLayers({ nodes }: Model): readonly ModelNode[] {
  return nodes.filter(({ layer }) => layer.parameters.length > 0);
}

/** A sum over the parameters of each trained layer of one figure per parameter tensor in model order. */
export function sumByLayer(model: Model, byParameter: readonly number[]): number[] {
  const parameters = model.tensors.filter(({ parameter }) => parameter !== null);
  return trainedLayers(model).map(({ index }) =>
    parameters.reduce((sum, { layer }, tensor) => (layer === index ? sum + (byParameter[tensor] ?? 0) : sum), 0),
  );
}

/**
 * The health of each trained layer in one update.
 *
 * @param active units of each ReLU that were above 0, as the workers saw them in their shards
 */
export function layerHealth(
  model: Model,
  norms: readonly ParameterNorms[],
  active: readonly ActiveUnits[],
): LayerHealth[] {
  const [gradients, weights, updates] = (['gradient', 'weights', 'update'] as const).map((key) =>
    sumByLayer(
      model,
      norms.map((norm) => norm[key]),
    ),
  ) as [number[], number[], number[]];
  const dead = deadShares(model, active);
  return trainedLayers(model).map(({ index, spec }, place) => {
    const [gradientNorm, weightNorm, updateNorm] = [gradients, weights, updates].map((sums) =>
      Math.sqrt(sums[place] ?? 0),
    ) as [number, number, number];
    const deadShare = dead.get(index);
    return {
      name: spec.name,
      gradientNorm,
      weightNorm,
      updateRatio: weightNorm === 0 ? null : updateNorm / weightNorm,
      ...(deadShare === undefined ? {} : { deadShare }),
    };
  });
}

/** Share of the units of each ReLU that no worker saw above 0, by the trained layer in front of the ReLU. */
function deadShares(model: Model, active: readonly ActiveUnits[]): Map<number, number> {
  const seen = new Map<number, Uint8Array>();
  for (const { layer, units } of active) {
    const merged = seen.get(layer) ?? new Uint8Array(units.length);
    units.forEach((bits, i) => (merged[i] = (merged[i] ?? 0) | bits));
    seen.set(layer, merged);
  }
  const shares = new Map<number, number>();
  for (const [relu, units] of seen) {
    const front = trainedInFront(model, relu);
    const width = sizeOf(model.nodes[relu]?.layer.outputShape ?? []);
    if (front !== null && width > 0) shares.set(front, 1 - countBits(units) / width);
  }
  return shares;
}

function trainedInFront({ nodes }: Model, start: number): number | null {
  for (let index = nodes[start]?.inputs[0] ?? -1; index >= 0; index = nodes[index]?.inputs[0] ?? -1)
    if ((nodes[index]?.layer.parameters.length ?? 0) > 0) return index;
  return null;
}

function countBits(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => {
    let count = 0;
    for (let rest = byte; rest > 0; rest &= rest - 1) count += 1;
    return sum + count;
  }, 0);
}

// ── what is worth a warning ──────────────────────────────────────────────────────────────────────────────────────────

/** A gradient so many times as long as those before it explodes. */
const EXPLODING = 100;
/** Steps whose gradients make up what is usual. */
const USUAL = 0.95;
/** Steps before anything counts as usual. */
const SETTLING_STEPS = 20;
/** A gradient per weight that is smaller than this share of the last layer's vanishes. */
const VANISHING = 1e-4;
/** From this share of dead units on, the layer learns with half of what it was given. */
const DEAD = 0.5;
/** In a smaller batch many a healthy unit happens to be 0 for all samples. */
const SAMPLES_TO_JUDGE_UNITS = 64;
/** An update that is longer than the weights replaces them. */
const LARGEST_UPDATE = 1;

export interface HealthWarning {
  readonly kind: 'exploding' | 'vanishing' | 'dead' | 'update';
  readonly layer: string;
  /** With figures, and what to do. */
  readonly message: string;
}

/** Tells of each trouble when it begins, and again only after it was over. */
export class HealthWatch {
  readonly #names: readonly string[];
  /** Parameters of each trained layer. */
  readonly #sizes: readonly number[];
  readonly #usual: readonly SmoothedMean[];
  #steps = 0;
  readonly #troubled = new Set<string>();

  constructor(model: Model) {
    const layers = trainedLayers(model);
    this.#names = layers.map(({ spec }) => spec.name);
    this.#sizes = layers.map(({ layer }) => layer.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0));
    this.#usual = layers.map(() => new SmoothedMean(USUAL));
  }

  /** Takes the gradient norm of each trained layer in a step. */
  gradients(norms: readonly number[]): HealthWarning[] {
    const settled = this.#steps >= SETTLING_STEPS;
    this.#steps += 1;
    const warnings = norms.flatMap((norm, place) => {
      const usual = this.#usual[place];
      const before = usual?.value ?? null;
      const isLong = settled && before !== null && norm > EXPLODING * before && norm > 0;
      // A burst must not become what is usual.
      if (!isLong && Number.isFinite(norm)) usual?.add(norm);
      return this.#tell('exploding', place, isLong, (layer) => {
        const times = shown(norm / (before ?? 1));
        return `the gradient of layer ${layer} explodes: its norm is ${shown(norm)}, ${times} times what it was in the steps before. Set training.clipNorm, or lower training.optimizer.learningRate`;
      });
    });
    return onePerKind(warnings);
  }

  /** Takes the health of each trained layer in a step over so many samples. */
  layers(health: readonly LayerHealth[], samples: number): HealthWarning[] {
    const perWeight = health.map(
      ({ gradientNorm }, place) => (gradientNorm ?? NaN) / Math.sqrt(this.#sizes[place] ?? 1),
    );
    const last = perWeight.at(-1) ?? 0;
    const warnings = health.flatMap(({ deadShare, updateRatio }, place) => {
      const own = perWeight[place] ?? NaN;
      return [
        ...this.#tell('vanishing', place, last > 0 && own < VANISHING * last, (layer) => {
          return `the gradient of layer ${layer} vanishes: per weight it is ${shown(own / last)} of that of the last layer. Try relu with the he initializer, batchNorm, or fewer layers`;
        }),
        ...this.#tell(
          'dead',
          place,
          samples >= SAMPLES_TO_JUDGE_UNITS && deadShare !== undefined && deadShare >= DEAD,
          (layer) => {
            const share = `${((deadShare ?? 0) * 100).toFixed(0)}%`;
            return `${share} of the ReLU units behind layer ${layer} are 0 for every sample of the batch, and learn nothing. Lower training.optimizer.learningRate, or use leakyRelu`;
          },
        ),
        ...this.#tell('update', place, updateRatio !== null && updateRatio > LARGEST_UPDATE, (layer) => {
          return `one step changes the weights of layer ${layer} by ${shown(updateRatio ?? 0)} times their own length; about 0.001 is usual. Lower training.optimizer.learningRate, or set training.warmupSteps`;
        }),
      ];
    });
    return onePerKind(warnings);
  }

  #tell(
    kind: HealthWarning['kind'],
    place: number,
    holds: boolean,
    describe: (layer: string) => string,
  ): HealthWarning[] {
    const key = `${kind} ${place}`;
    const isNew = holds && !this.#troubled.has(key);
    if (holds) this.#troubled.add(key);
    else this.#troubled.delete(key);
    const layer = this.#names[place] ?? '';
    return isNew ? [{ kind, layer, message: describe(layer) }] : [];
  }
}

/** What befalls several layers at once has one cause, and one warning: that of the first layer, with the names of the others. */
function onePerKind(warnings: readonly HealthWarning[]): HealthWarning[] {
  return warnings.flatMap((warning, place) => {
    const alike = warnings.filter(({ kind }) => kind === warning.kind);
    if (warnings.findIndex(({ kind }) => kind === warning.kind) !== place) return [];
    const others = alike.slice(1).map(({ layer }) => layer);
    return others.length === 0
      ? [warning]
      : [{ ...warning, message: `${warning.message}. The same goes for ${others.join(', ')}` }];
  });
}

/** Three significant digits. */
function shown(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
