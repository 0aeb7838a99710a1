/** What every benchmark prints and writes: the machine it ran on, a table, and the same as JSON. */
import console from 'node:console';
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import process from 'node:process';
import { systemBlas } from '../dist/src/kernels/openblas/library.js';

export function median(values) {
  const sorted = values.toSorted((x, y) => x - y);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Where and in which company the figures are taken. A load near 0 before the start is what makes them worth quoting. */
export function machine() {
  const { library, reason } = systemBlas();
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown CPU',
    cpus: os.cpus().length,
    node: process.version,
    openblas: library?.description ?? null,
    openblasReason: library === null ? reason : null,
    load: os.loadavg()[0] ?? 0,
  };
}

/** Prints the machine; returns what it printed, for the report. */
export function introduce() {
  const found = machine();
  console.log(`${found.cpu}, ${found.cpus} CPUs, Node ${found.node}`);
  console.log(found.openblas ?? `openblas: ${found.openblasReason}`);
  console.log(`load before the start: ${found.load.toFixed(2)}\n`);
  return found;
}

/** Backends that can run here. */
export function backends() {
  return systemBlas().library === null ? ['wasm'] : ['openblas', 'wasm'];
}

export function figure(value, digits = 1) {
  return value === undefined || value === null ? '–' : value.toFixed(digits);
}

/** Prints rows of cells: the first column to the left, the others to the right. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) {
    console.log(row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '));
  }
}

export function writeJson(path, report) {
  if (path !== undefined) writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
}
