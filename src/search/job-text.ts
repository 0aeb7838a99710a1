/** The YAML of a job with other values in it: comments, order and notation stay as they are. */
import { Document, isAlias, isMap, isNode, isScalar, parseDocument, visit } from 'yaml';
import { isMapping, type Path } from '../job/path.js';
import { inOrder } from './corners.js';

export interface FilledJob {
  /** Of the new file; in place of the one that it has, or would get from its file name. */
  readonly name: string;
  readonly values: readonly { readonly path: Path; readonly value: unknown }[];
  /** From a path relative to the old file to one that holds for the new one. */
  readonly moved: (path: string) => string;
  /** Lines above everything else, without `#`. */
  readonly remarks?: readonly string[];
}

/** @param text a valid job */
export function fillJob(text: string, { name, values, moved, remarks = [] }: FilledJob): string {
  let document: Document = parseDocument(text);
  // What an alias repeats cannot be changed in one place alone.
  if (hasAliases(document)) document = new Document(document.toJS(), { aliasDuplicateObjects: false });
  for (const { path, value } of inOrder(values)) put(document, path, value);
  for (const split of ['train', 'dev', 'test']) {
    for (const key of ['path', 'features', 'labels']) {
      const value = document.getIn(['data', split, key]);
      if (typeof value === 'string') document.setIn(['data', split, key], moved(value));
    }
  }
  if (document.has('name')) document.set('name', name);
  else if (isMap(document.contents)) document.contents.items.unshift(document.createPair('name', name));
  const body = document.toString({ lineWidth: 0 });
  const schemaLine = SCHEMA_LINE.exec(body)?.[0] ?? '';
  const schema = schemaLine.replace(/(?<=\$schema=)\S+/, (path) => (path.includes('://') ? path : moved(path)));
  const lines = remarks.length === 0 ? '' : [...remarks, ''].map((line) => `# ${line}`.trimEnd() + '\n').join('');
  return (
    schema +
    (schema !== '' && lines !== '' ? '#\n' : '') +
    lines +
    body.slice(schemaLine.length).replace(lines === '' ? '' : /^#\n/, '')
  );
}

/** What editors with the YAML language server look for, in the first line. */
const SCHEMA_LINE = /^# yaml-language-server: \$schema=\S+\n/;

function hasAliases(document: Document): boolean {
  let found = false;
  visit(document, {
    Alias() {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

/** Like `replaceAt` for plain values: mappings on the way are made, and short forms become the mapping they stand for. */
function put(document: Document, path: Path, value: unknown): void {
  for (let length = 1; length < path.length; length++) {
    const above = path.slice(0, length);
    const node: unknown = document.getIn(above, true);
    if (isAlias(node)) return;
    const plain: unknown = isScalar(node) ? node.value : node;
    if (typeof plain === 'string') document.setIn(above, document.createNode({ type: plain }));
    else if (plain === null) document.deleteIn(above);
  }
  const old: unknown = document.getIn(path, true);
  if (isScalar(old) && !isMapping(value) && !Array.isArray(value)) {
    old.value = value;
    // How the old number was written says nothing about the new one.
    delete old.format;
    delete old.source;
    delete (old as { minFractionDigits?: number }).minFractionDigits;
  } else {
    const node = document.createNode(value);
    if (isNode(node) && isNode(old) && old.comment !== undefined && old.comment !== null) node.comment = old.comment;
    document.setIn(path, node);
  }
}
