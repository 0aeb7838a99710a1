import type { InitializerSpec, LayerSpec, ModelSpec } from '../../src/job/job.js';

type Named = 'name' | 'inputs';
type WithoutNames<T> = T extends unknown ? Omit<T, Named> & Partial<Pick<LayerSpec, Named>> : never;

/** A layer whose name and inputs may be left to their defaults. */
export type BareLayer = WithoutNames<LayerSpec>;

const XAVIER: InitializerSpec = { type: 'xavier', scale: 1 };

/** A model of these layers; names and inputs default as in a job file. */
export function modelSpec(...layers: readonly BareLayer[]): ModelSpec {
  const names = layers.map((layer, index) => layer.name ?? `${layer.type}${index}`);
  return {
    layers: layers.map((layer, index): LayerSpec => {
      const common = { name: names[index] ?? '', inputs: layer.inputs ?? [names[index - 1] ?? 'input'] };
      return { ...layer, ...common };
    }),
  };
}

export function dense(units: number, bias = true, initializer = XAVIER): BareLayer {
  return { type: 'dense', units, bias, initializer };
}

export function batchNorm(sync: 'global' | 'shard' = 'global', momentum = 0.9, epsilon = 1e-5): BareLayer {
  return { type: 'batchNorm', sync, momentum, epsilon };
}
