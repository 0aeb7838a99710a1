import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, visit, type Document } from 'yaml';
import type { Path } from './path.js';

/** A problem at an offset in the text, already in the words of the user. */
interface SourceProblem {
  readonly offset: number;
  readonly message: string;
  readonly path: Path;
}

/** A YAML (or JSON) text, read, with the way back from a value to where it stands. */
export interface Source {
  /** Plain mappings, lists and scalars; undefined where the text is not valid YAML. */
  readonly value: unknown;
  readonly problems: readonly SourceProblem[];
  /** The offset of the value at `path`, or of its key; null where the text has nothing there. */
  offsetOf(path: Path, atKey: boolean): number | null;
  /** Line and column from 1. */
  position(offset: number): { readonly line: number; readonly column: number };
}

export function readSource(text: string): Source {
  const lineCounter = new LineCounter();
  // Keys given twice are looked for here, so that the message can name the key and the first place.
  const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false });
  const position = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset);
    return { line, column: col };
  };
  const problems: SourceProblem[] = [...document.errors, ...document.warnings].map(({ pos, message }) => ({
    offset: pos[0],
    message: `not valid YAML: ${oneLine(message)}`,
    path: [],
  }));
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return;
      problems.push({
        offset: alias.range?.[0] ?? 0,
        message: `not valid YAML: no anchor &${alias.source} before this`,
        path: [],
      });
    },
  });
  let value: unknown;
  if (problems.length === 0) {
    problems.push(...repeatedKeys(document.contents, [], (offset) => position(offset).line));
    try {
      value = document.toJS();
    } catch (error) {
      problems.push({ offset: 0, message: `not valid YAML: ${oneLine(String(error))}`, path: [] });
    }
  }
  return { value, problems, position, offsetOf: (path, atKey) => offsetOf(document, path, atKey) };
}

function oneLine(message: string): string {
  return message.replaceAll(/\s+/g, ' ').trim();
}

function startOf(node: unknown): number | null {
  const range = (node as { range?: readonly number[] | null } | null | undefined)?.range;
  return range?.[0] ?? null;
}

function repeatedKeys(node: unknown, path: Path, lineOf: (offset: number) => number): readonly SourceProblem[] {
  if (isSeq(node)) return node.items.flatMap((item, index) => repeatedKeys(item, [...path, index], lineOf));
  if (!isMap(node)) return [];
  const firstLines = new Map<string, number>();
  return node.items.flatMap(({ key, value }) => {
    const name = keyText(key);
    const offset = startOf(key) ?? 0;
    const first = firstLines.get(name);
    const below = repeatedKeys(value, [...path, name], lineOf);
    if (first !== undefined) {
      return [
        { offset, path: [...path, name], message: `expected once, found again; first in line ${first}` },
        ...below,
      ];
    }
    firstLines.set(name, lineOf(offset));
    return below;
  });
}

function keyText(key: unknown): string {
  return isScalar<unknown>(key) && typeof key.value === 'string' ? key.value : String(key);
}

function offsetOf(document: Document, path: Path, atKey: boolean): number | null {
  let node: unknown = document.contents;
  let keyOffset: number | null = null;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    keyOffset = null;
    if (isSeq(node) && typeof part === 'number') node = node.items[part];
    else if (isMap(node)) {
      // Of a key given twice the last one holds.
      const pair = node.items.findLast(({ key }) => keyText(key) === String(part));
      node = isPair(pair) ? pair.value : undefined;
      keyOffset = startOf(pair?.key);
      if (pair === undefined) return null;
      // A key without a value has nothing else to point at.
      if (startOf(node) === null) return keyOffset;
    } else return null;
  }
  return atKey && keyOffset !== null ? keyOffset : startOf(node);
}
