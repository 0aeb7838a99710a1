import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jobJsonSchema } from '../../src/job/json-schema.js';
import { jobReference } from '../../src/job/reference.js';
import { searchJsonSchema } from '../../src/search/schema.js';
import type { JsonSchema } from '../../src/job/schema/forms.js';

const committed = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('generated files are current (npm run build && node scripts/generate-schema.js)', () => {
  it('schema/job.schema.json', () => {
    expect(committed('schema/job.schema.json')).toBe(`${JSON.stringify(jobJsonSchema(), null, 2)}\n`);
  });

  it('schema/search.schema.json', () => {
    expect(committed('schema/search.schema.json')).toBe(`${JSON.stringify(searchJsonSchema(), null, 2)}\n`);
  });

  it('docs/job-file.md', () => {
    expect(committed('docs/job-file.md')).toBe(jobReference());
  });
});

interface Key {
  readonly path: string;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
}

function keysOf(schema: JsonSchema, path: string): readonly Key[] {
  const branches = [
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...(schema.items === undefined ? [] : [schema.items]),
    ...(typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []),
  ];
  const here = Object.entries(schema.properties ?? {}).flatMap(([key, property]): readonly Key[] => {
    const child = {
      path: `${path}.${key}`,
      schema: property as JsonSchema,
      isRequired: schema.required?.includes(key) === true,
    };
    return [child, ...keysOf(child.schema, child.path)];
  });
  return [...here, ...branches.flatMap((branch) => keysOf(branch as JsonSchema, path))];
}

describe('every key of the search file', () => {
  const keys = keysOf(searchJsonSchema(), 'search');

  it('is described, here and in docs/search.md', () => {
    expect(keys.length).toBeGreaterThan(20);
    expect(keys.filter(({ schema }) => (schema.description ?? '') === '').map(({ path }) => path)).toEqual([]);
    const page = committed('docs/search.md');
    const missing = keys.filter(({ path }) => !page.includes(path.split('.').at(-1) ?? path));
    expect(missing.map(({ path }) => path)).toEqual([]);
  });
});

describe('every key of the job file', () => {
  const keys = keysOf(jobJsonSchema(), 'job');

  it('is found', () => {
    expect(keys.length).toBeGreaterThan(80);
  });

  it('says what it means', () => {
    expect(keys.filter(({ schema }) => (schema.description ?? '') === '').map(({ path }) => path)).toEqual([]);
  });

  it('is required, has a default, or says where its default comes from', () => {
    const isOpen = ({ schema, isRequired }: Key) =>
      !isRequired && schema.default === undefined && schema.description?.includes('Default: ') !== true;
    expect(keys.filter(isOpen).map(({ path }) => path)).toEqual([]);
  });
});
