/**
 * A strict reader of the Prometheus text format 0.0.4, written from its specification
 * (https://prometheus.io/docs/instrumenting/exposition_formats/), with the naming rules that `promtool check metrics` applies.
 */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y;
const NOT_BASE_UNITS = /_(milliseconds|ms|minutes|hours|kilobytes|megabytes|kb|mb|percent)(_|$)/;

/** The families of an exposition, by name. Throws on anything that the format does not allow. */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('The last line must end with a line feed');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let help: { name: string; text: string } | null = null;
  let family: Family | null = null;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const [marker, keyword, name = '', ...rest] = line.split(' ');
    if (marker === '#' && keyword === 'HELP') {
      help = { name, text: rest.join(' ') };
    } else if (marker === '#' && keyword === 'TYPE') {
      if (!NAME.test(name) || families.has(name)) throw new Error(`Bad or repeated metric: ${line}`);
      family = { name, type: rest.join(' '), help: help?.name === name ? help.text : '', samples: [] };
      families.set(name, family);
    } else {
      const sample = parseSample(line);
      if (family === null || !belongs(sample.name, family)) throw new Error(`Not under its TYPE line: ${line}`);
      const identity = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
      if (seen.has(identity)) throw new Error(`Series repeated: ${line}`);
      seen.add(identity);
      family.samples.push(sample);
    }
  }
  return families;
}

/** What `promtool check metrics` would complain of. */
export function lintExposition(families: ReadonlyMap<string, Family>): string[] {
  const problems: string[] = [];
  for (const { name, type, help, samples } of families.values()) {
    if (help === '') problems.push(`${name}: no help text`);
    if (!['counter', 'gauge', 'histogram', 'summary'].includes(type)) problems.push(`${name}: type ${type}`);
    if ((type === 'counter') !== name.endsWith('_total'))
      problems.push(`${name}: _total is for counters, and only for them`);
    if (NOT_BASE_UNITS.test(name)) problems.push(`${name}: not in base units`);
    if (type !== 'gauge' && name.endsWith('_info')) problems.push(`${name}: _info is for gauges`);
    if (/[A-Z]/.test(name)) problems.push(`${name}: not in snake case`);
    if (type === 'histogram') problems.push(...lintHistogram(name, samples));
    if (type === 'counter' && samples.some(({ value }) => !(value >= 0))) problems.push(`${name}: negative counter`);
  }
  return problems;
}

function lintHistogram(name: string, samples: readonly Sample[]): string[] {
  const problems: string[] = [];
  const bySeries = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _le, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    bySeries.set(key, [...(bySeries.get(key) ?? []), sample]);
  }
  for (const [key, series] of bySeries) {
    const buckets = series.filter((sample) => sample.name === `${name}_bucket`);
    const count = series.find((sample) => sample.name === `${name}_count`);
    const infinity = buckets.find((sample) => sample.labels['le'] === '+Inf');
    if (count === undefined || infinity?.value !== count.value)
      problems.push(`${name}${key}: +Inf bucket is not the count`);
    if (!series.some((sample) => sample.name === `${name}_sum`)) problems.push(`${name}${key}: no sum`);
    if (buckets.some((bucket, i) => bucket.value < (buckets[i - 1]?.value ?? 0)))
      problems.push(`${name}${key}: not cumulative`);
  }
  return problems;
}

function parseSample(line: string): Sample {
  const [, name, labelText = '', valueText = ''] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`Not a sample: ${line}`);
  const labels: Record<string, string> = {};
  let end = 0;
  for (LABEL.lastIndex = 0; end < labelText.length; end = LABEL.lastIndex) {
    const [, label, value = ''] = LABEL.exec(labelText) ?? [];
    if (label === undefined || label in labels) throw new Error(`Bad labels: ${line}`);
    labels[label] = value;
  }
  return { name, labels, value: parseValue(valueText, line) };
}

function parseValue(text: string, line: string): number {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  if (text.toLowerCase() === 'nan') return NaN;
  const value = Number(text);
  if (Number.isNaN(value)) throw new Error(`Not a number: ${line}`);
  return value;
}

function belongs(sample: string, family: Family): boolean {
  if (sample === family.name) return family.type !== 'histogram';
  const suffixes =
    family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : family.type === 'summary' ? ['_sum', '_count'] : [];
  return suffixes.some((suffix) => sample === family.name + suffix);
}
