import { expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type {
  ClusterSpec,
  DataSource,
  DataSpec,
  DecaySpec,
  EarlyStoppingSpec,
  InitializerSpec,
  Job,
  JobDraft,
  LayerSpec,
  ModelSpec,
  OptimizerSpec,
} from '../../src/job/job.js';
import type { ParsedJob } from '../../src/job/schema.js';
import type { clusterSchema } from '../../src/job/schema/cluster.js';
import type { dataSchema, dataSourceSchema } from '../../src/job/schema/data.js';
import type { initializerSchema, layerSchema, modelSchema } from '../../src/job/schema/model.js';
import type { decaySchema, optimizerSchema } from '../../src/job/schema/optimizer.js';
import type { trainingSchema } from '../../src/job/schema/training.js';

/** Structure alone: `readonly` is what resolved jobs add, at every depth. */
type Mutable<T> = T extends readonly (infer E)[]
  ? Mutable<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T;

/** `T` with the keys `K`, where it has them, as they are after `resolveJob`. */
type Resolved<T, K extends PropertyKey> = T extends unknown
  ? { [P in Exclude<keyof T, K>]: T[P] } & { [P in Extract<keyof T, K>]-?: Exclude<T[P], undefined> }
  : never;
type Flat<T> = T extends unknown ? { [K in keyof T]: T[K] } : never;

/** The checks are made by the compiler; at run time there is nothing left of them. */
it('the schema and the types of a resolved job are one', () => {
  expectTypeOf<z.output<typeof dataSourceSchema>>().toEqualTypeOf<Mutable<DataSource>>();
  expectTypeOf<Flat<Resolved<z.output<typeof dataSchema>, 'normalize'>>>().toEqualTypeOf<Mutable<DataSpec>>();
  expectTypeOf<z.output<typeof initializerSchema>>().toEqualTypeOf<Mutable<InitializerSpec>>();
  expectTypeOf<
    Flat<Resolved<z.output<typeof layerSchema>, 'name' | 'inputs' | 'bias' | 'initializer'>>
  >().toEqualTypeOf<Mutable<LayerSpec>>();
  expectTypeOf<keyof z.output<typeof modelSchema>>().toEqualTypeOf<keyof ModelSpec>();
  expectTypeOf<z.output<typeof optimizerSchema>>().toEqualTypeOf<Mutable<OptimizerSpec>>();
  expectTypeOf<z.output<typeof decaySchema>>().toEqualTypeOf<Mutable<DecaySpec>>();
  expectTypeOf<Flat<Omit<Resolved<z.output<typeof trainingSchema>, 'loss'>, 'earlyStopping'>>>().toEqualTypeOf<
    Mutable<Omit<JobDraft['training'], 'earlyStopping'>>
  >();
  expectTypeOf<Flat<Resolved<NonNullable<z.output<typeof trainingSchema>['earlyStopping']>, 'metric'>>>().toEqualTypeOf<
    Mutable<EarlyStoppingSpec>
  >();
  expectTypeOf<z.output<typeof clusterSchema>>().toEqualTypeOf<Mutable<ClusterSpec>>();
  expectTypeOf<keyof ParsedJob>().toEqualTypeOf<keyof Job>();
});
