import Table from 'cli-table3';

export interface ColumnSpec {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

// prettier-ignore
const BARE = {
  'top': '', 'top-mid': '', 'top-left': '', 'top-right': '',
  'bottom': '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  'left': '', 'left-mid': '', 'mid': '', 'mid-mid': '',
  'right': '', 'right-mid': '', 'middle': '   ',
};

/** A table of text without borders: columns three spaces apart, one rule under the titles, no trailing spaces. */
export function renderTable(columns: readonly ColumnSpec[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: columns.map(({ title }) => title),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: BARE,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => [...row]));
  const [titles = '', ...lines] = table.toString().split('\n');
  return [titles, '─'.repeat(titles.length), ...lines].map((line) => line.trimEnd()).join('\n');
}
