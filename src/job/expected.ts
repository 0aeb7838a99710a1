import { isMapping, type Path } from './path.js';
import type { JsonSchema } from './schema/forms.js';

/** The branches of a union, and of unions within it; a schema that is no union is its own only branch. */
export function branchesOf(schema: JsonSchema): readonly JsonSchema[] {
  const branches = schema.anyOf ?? schema.oneOf;
  return branches === undefined ? [schema] : branches.flatMap((branch) => branchesOf(branch));
}

/** The mappings that a schema accepts; several where a key such as `type` tells them apart. */
export function mappingsOf(schema: JsonSchema): readonly JsonSchema[] {
  return branchesOf(schema).filter((branch) => branch.type === 'object');
}

/** The values that a schema names one by one: of an enum, of a constant. */
export function namedValues(schema: JsonSchema): readonly string[] {
  return branchesOf(schema).flatMap((branch) =>
    [...(branch.enum ?? []), ...(branch.const === undefined ? [] : [branch.const])].map(String),
  );
}

/** The key whose value tells the mappings of a union apart, and its values. */
export function discriminatorOf(
  schema: JsonSchema,
): { readonly key: string; readonly values: readonly string[] } | null {
  const mappings = mappingsOf(schema);
  for (const key of ['type', 'format']) {
    const values = mappings.map((mapping) => namedValues(propertyOf(mapping, key) ?? {}));
    if (mappings.length > 1 && values.every((names) => names.length > 0)) return { key, values: values.flat() };
  }
  return null;
}

function propertyOf(mapping: JsonSchema, key: string): JsonSchema | undefined {
  const { properties = {}, additionalProperties: others } = mapping;
  if (Object.hasOwn(properties, key)) return properties[key] as JsonSchema;
  return typeof others === 'object' ? others : undefined;
}

/** The one mapping of a schema that `value` is meant to be, going by the discriminator where there are several. */
export function mappingFor(schema: JsonSchema, value: unknown): JsonSchema | undefined {
  const mappings = mappingsOf(schema);
  const discriminator = discriminatorOf(schema);
  if (discriminator === null) return mappings[0];
  const { key } = discriminator;
  // A short form is the discriminator itself.
  const name = isMapping(value) ? value[key] : value;
  return mappings.find((mapping) =>
    name === undefined
      ? mapping.required?.includes(key) !== true
      : typeof name === 'string' && namedValues(propertyOf(mapping, key) ?? {}).includes(name),
  );
}

/** The schema of what stands at `path` of `root`. Undefined where the job file knows no such place. */
export function schemaAt(schema: JsonSchema, root: unknown, path: Path): JsonSchema | undefined {
  const [part, ...rest] = path;
  if (part === undefined) return schema;
  if (typeof part === 'number') {
    const items = branchesOf(schema).find((branch) => branch.type === 'array')?.items;
    const element = Array.isArray(root) ? (root as unknown[])[part] : undefined;
    return items === undefined ? undefined : schemaAt(items as JsonSchema, element, rest);
  }
  const discriminator = discriminatorOf(schema);
  if (discriminator?.key === part && rest.length === 0) return { type: 'string', enum: [...discriminator.values] };
  const mapping = mappingFor(schema, root);
  const property = mapping === undefined ? undefined : propertyOf(mapping, part);
  const value = isMapping(root) ? root[part] : undefined;
  return property === undefined ? undefined : schemaAt(property, value, rest);
}

/** What a schema accepts, in words: `a whole number ≥ 1`, `one of he, xavier, zeros`. */
export function describeExpected(schema: JsonSchema): string {
  const discriminator = discriminatorOf(schema);
  const parts = branchesOf(schema).filter((branch) => discriminator === null || branch.type !== 'object');
  const words = parts.map(describeBranch);
  if (discriminator !== null) {
    const { key, values } = discriminator;
    words.push(parts.length > 0 ? `a mapping with ${key}` : `a mapping with ${key}, one of ${values.join(', ')}`);
  }
  const example = schema.examples?.[0];
  return words.join(' or ') + (example === undefined ? '' : `, such as ${JSON.stringify(example)}`);
}

function describeBranch(schema: JsonSchema): string {
  const named = namedValues(schema);
  if (named.length === 1) return named.join();
  if (named.length > 1) return `one of ${named.join(', ')}`;
  switch (schema.type) {
    case 'integer':
      return `a whole number${describeRange(schema)}`;
    case 'number':
      return `a number${describeRange(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      if (schema.maxLength === 1) return 'one character';
      return schema.title ?? 'text';
    case 'array':
      return (schema.minItems ?? 0) > 0 ? 'a list that is not empty' : 'a list';
    case 'null':
      return 'null';
    default:
      return schema.title ?? 'a mapping';
  }
}

function describeRange({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): string {
  const limits = [
    ...(minimum === undefined ? [] : [`≥ ${minimum}`]),
    ...(exclusiveMinimum === undefined ? [] : [`> ${exclusiveMinimum}`]),
    ...(maximum === undefined ? [] : [`≤ ${maximum}`]),
    ...(exclusiveMaximum === undefined ? [] : [`< ${exclusiveMaximum}`]),
  ];
  return limits.length === 0 ? '' : ` ${limits.join(' and ')}`;
}

/** A value as messages quote it. */
export function describeFound(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return value.length > 40 ? `"${value.slice(0, 39)}…"` : `"${value}"`;
  // JSON has no words for these.
  return typeof value === 'number' && !Number.isFinite(value) ? `${value}` : JSON.stringify(value);
}
