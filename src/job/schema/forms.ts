import { z } from 'zod';
import { isMapping } from '../path.js';

/** A node of the JSON Schema of the job file, as zod generates it. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What a schema accepts besides its full form; `jobJsonSchema` adds it to the generated schema. */
export const shortForms = z.registry<{ readonly accepts: JsonSchema }>();

/**
 * A schema that also takes a short form. `expand` turns the short form into the full one and leaves every other value
 * alone; it runs before validation, so problems are reported against the full form and never as "none of these fits".
 */
export function withShortForm<S extends z.ZodType>(accepts: JsonSchema, expand: (raw: unknown) => unknown, schema: S) {
  const wider = z.preprocess(expand, schema);
  shortForms.add(wider, { accepts });
  return wider;
}

/**
 * Lets a bare name stand for a mapping in which everything but `type` has its default: `adam` for `{ type: adam }`.
 * With `usual`, a mapping may leave out its type.
 */
export function orBareType<S extends z.ZodType>(names: readonly string[], schema: S, usual?: string) {
  const expand = (raw: unknown): unknown => {
    if (typeof raw === 'string') return { type: raw };
    if (usual !== undefined && isMapping(raw) && raw.type === undefined) return { type: usual, ...raw };
    return raw;
  };
  return withShortForm({ type: 'string', enum: [...names] }, expand, schema);
}

/** A whole number from `minimum` on; callers narrow it with `.max()`. */
export const whole = (minimum: number) => z.int().min(minimum);

/** A number above 0. */
export const positive = () => z.number().gt(0);

/** The share of the old value that an exponentially weighted average keeps: 0 ≤ β < 1. */
export const averagingFactor = () => z.number().min(0).lt(1);

/** A wait in milliseconds; timers count them in 31 bits. */
export const milliseconds = () => z.int().min(1).max(2_147_483_647);

/** Text of at least one character. */
export const text = () => z.string().min(1);
