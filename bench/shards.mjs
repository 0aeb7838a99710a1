/**
 * The price of the promise: a step of one worker with the batch cut into V logical shards against V = 1, one compute thread, on each
 * backend, by turns. Also V = 1 against V = 1, which shows what the measurement itself is worth.
 *
 *   npm run build && node bench/shards.mjs [--json FILE] [--rounds N] [--turn MS] [--backend NAME]… [--units 512,256]…
 */
import console from 'node:console';
import { parseArgs } from 'node:util';
import { compete, cpuRatio, lockstep, ratio } from './contest.mjs';
import { REFERENCE, WIDE, shapeOf } from './jobs.mjs';
import { backends, figure, introduce, table, writeJson } from './report.mjs';

/** What one worker may pay at most, by the number of shards. */
const TARGETS = { 8: 1.08, 16: 1.15 };

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '15' },
    turn: { type: 'string', default: '600' },
    backend: { type: 'string', multiple: true },
    units: { type: 'string', multiple: true },
  },
});

async function price(units, backend) {
  const contestants = [];
  const shardCounts = Object.keys(TARGETS).map(Number);
  for (const [name, shards] of [
    ['V = 1', 1],
    ...shardCounts.map((shards) => [`V = ${shards}`, shards]),
    ['V = 1 again', 1],
  ]) {
    const { contestant, missing } = await lockstep(name, { backend, units, shards });
    if (contestant === undefined) throw new Error(missing);
    contestants.push(contestant);
  }
  const results = await compete(contestants, { rounds: Number(options.rounds), turnMs: Number(options.turn) });
  for (const contestant of contestants) await contestant.end();
  const [one, ...others] = results;
  return others.map((other, i) => ({
    units,
    backend,
    /** null: V = 1 once more. */
    shards: shardCounts[i] ?? null,
    oneMs: one.ms,
    ms: other.ms,
    ratio: ratio(other, one),
    cpuRatio: cpuRatio(other, one),
    target: TARGETS[shardCounts[i]] ?? null,
    rounds: other.rounds,
    cpuRounds: other.cpuRounds,
  }));
}

const machine = introduce();
const prices = [];
for (const units of options.units?.map((list) => list.split(',').map(Number)) ?? [REFERENCE, WIDE]) {
  for (const backend of options.backend ?? backends()) prices.push(...(await price(units, backend)));
}
console.log(`ms per step, batch 256, one worker, one compute thread; medians of ${options.rounds} rounds by turns`);
table([
  ['', 'shards', 'V = 1', 'V', 'ratio', 'CPU ratio', 'at most', ''],
  ...prices.map((found) => [
    `${shapeOf(found.units)} ${found.backend}`,
    found.shards === null ? '1 again' : String(found.shards),
    figure(found.oneMs, 2),
    figure(found.ms, 2),
    figure(found.ratio, 3),
    figure(found.cpuRatio, 3),
    found.target === null ? '' : figure(found.target, 2),
    found.target === null ? '' : found.ratio <= found.target ? 'yes' : 'NO',
  ]),
]);
writeJson(options.json, { machine, targets: TARGETS, prices });
