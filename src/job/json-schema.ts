import { z } from 'zod';
import { jobSchema } from './schema.js';
import { shortForms, type JsonSchema } from './schema/forms.js';

let generated: JsonSchema | undefined;

/** The JSON Schema (draft 7, the one editors know best) of the job file as the user writes it, short forms included. */
export function jobJsonSchema(): JsonSchema {
  return (generated ??= fileJsonSchema(jobSchema));
}

/** The same for any file whose schema is written with zod. */
export function fileJsonSchema(fileSchema: z.ZodType): JsonSchema {
  const schema: JsonSchema = z.toJSONSchema(fileSchema, {
    io: 'input',
    target: 'draft-7',
    reused: 'inline',
    override: ({ zodSchema, jsonSchema }) => {
      const short = shortForms.get(zodSchema);
      if (short !== undefined) addShortForm(jsonSchema, short.accepts);
      // The limits of exactly representable integers say nothing about the field.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
  requireNoDefaults(schema);
  return schema;
}

/** Moves what the schema accepts so far into one branch beside the short form; annotations stay outside. */
function addShortForm(schema: JsonSchema, accepts: JsonSchema): void {
  if (schema.anyOf?.[0] === accepts) return;
  const full: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'description' || key === 'default') continue;
    full[key] = value;
    delete schema[key];
  }
  schema.anyOf = [accepts, full];
}

/** A key with a default may be left out, also where it tells the branches of a union apart. */
function requireNoDefaults(schema: JsonSchema): void {
  const properties = Object.entries(schema.properties ?? {}) as [string, JsonSchema][];
  if (schema.required !== undefined) {
    const optional = new Set(properties.filter(([, { default: value }]) => value !== undefined).map(([key]) => key));
    schema.required = schema.required.filter((key) => !optional.has(key));
    if (schema.required.length === 0) delete schema.required;
  }
  const inner = [
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...(schema.items === undefined ? [] : [schema.items]),
  ];
  for (const child of [...properties.map(([, property]) => property), ...inner]) requireNoDefaults(child as JsonSchema);
}
