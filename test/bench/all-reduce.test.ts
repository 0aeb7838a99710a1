import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AllReduce } from '../../src/bench/allreduce/all-reduce.js';
import { RankMemory } from '../../src/bench/allreduce/rank-memory.js';
import type { WireFormat } from '../../src/protocol/piece.js';
import type { CollectiveName } from '../../src/protocol/messages.js';

/** Members that hear each other in turns of their own, as processes would. */
function group(
  members: readonly string[],
  collective: CollectiveName,
  format: WireFormat,
  elements: number,
): AllReduce[] {
  const all: AllReduce[] = members.map(
    (self) =>
      new AllReduce({
        self,
        members,
        collective,
        elements,
        format,
        memory: new RankMemory(elements, members.length),
        send: (to, piece) => {
          setImmediate(() => all[members.indexOf(to)]?.receive(piece));
        },
      }),
  );
  return all;
}

describe.each([
  ['star', 'float32'],
  ['star', 'bfloat16'],
  ['mesh', 'float32'],
  ['mesh', 'float16'],
] as const)('all-reduce in a %s, in %s', (collective, format) => {
  it('leaves the sum of all parts with every member, time after time', async () => {
    const sizes = fc.record({ count: fc.integer({ min: 2, max: 5 }), elements: fc.integer({ min: 1, max: 150_000 }) });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ count, elements }) => {
        const members = Array.from({ length: count }, (_, rank) => `rank-${rank}`);
        const all = group(members, collective, format, elements);
        for (const step of [0, 1]) {
          all.forEach(({ part }, rank) => part.forEach((_, i) => (part[i] = (rank + 1) * ((i + step) % 7))));
          // One that begins later than the others finds their pieces waiting.
          const [last, ...others] = [...all].reverse();
          const running = others.map((member) => member.run(step));
          await new Promise((resolve) => setImmediate(resolve));
          await Promise.all([...running, last?.run(step)]);
          const factor = (count * (count + 1)) / 2;
          for (const { result } of all)
            expect(result.findIndex((value, i) => value !== factor * ((i + step) % 7))).toBe(-1);
        }
      }),
      { numRuns: 5 },
    );
  });
});
