/**
 * The price of the promise: a step of one worker with the batch cut into V = 8 logical shards against V = 1, one compute thread,
 * on each backend, by turns. Also V = 1 against V = 1, which shows what the measurement itself is worth.
 *
 *   npm run build && node bench/shards.mjs [--json FILE] [--rounds N] [--turn MS] [--backend NAME]…
 */
import console from 'node:console';
import { parseArgs } from 'node:util';
import { compete, cpuRatio, lockstep, ratio } from './contest.mjs';
import { REFERENCE, WIDE, shapeOf } from './jobs.mjs';
import { backends, figure, introduce, table, writeJson } from './report.mjs';

/** What one worker may pay at most. */
const TARGET = 1.15;

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '15' },
    turn: { type: 'string', default: '600' },
    backend: { type: 'string', multiple: true },
  },
});

async function price(units, backend) {
  const contestants = [];
  for (const [name, shards] of [
    ['V = 1', 1],
    ['V = 8', 8],
    ['V = 1 again', 1],
  ]) {
    const { contestant, missing } = await lockstep(name, { backend, units, shards });
    if (contestant === undefined) throw new Error(missing);
    contestants.push(contestant);
  }
  const results = await compete(contestants, { rounds: Number(options.rounds), turnMs: Number(options.turn) });
  for (const contestant of contestants) await contestant.end();
  const [one, eight, again] = results;
  return {
    units,
    backend,
    one: one.ms,
    eight: eight.ms,
    ratio: ratio(eight, one),
    cpuRatio: cpuRatio(eight, one),
    noise: ratio(again, one),
    cpuNoise: cpuRatio(again, one),
    results,
  };
}

const machine = introduce();
const prices = [];
for (const units of [REFERENCE, WIDE]) {
  for (const backend of options.backend ?? backends()) prices.push(await price(units, backend));
}
console.log(`ms per step, batch 256, one worker, one compute thread; medians of ${options.rounds} rounds by turns`);
table([
  ['', 'V = 1', 'V = 8', 'ratio', 'CPU ratio', `at most ${TARGET}`, 'V = 1 / V = 1', 'CPU'],
  ...prices.map((found) => [
    `${shapeOf(found.units)} ${found.backend}`,
    figure(found.one, 2),
    figure(found.eight, 2),
    figure(found.ratio, 3),
    figure(found.cpuRatio, 3),
    found.ratio <= TARGET ? 'yes' : 'NO',
    figure(found.noise, 3),
    figure(found.cpuNoise, 3),
  ]),
]);
writeJson(options.json, { machine, target: TARGET, prices });
