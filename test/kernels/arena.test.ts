import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignedAllocationSize, allocationSize, Arena } from '../../src/kernels/arena.js';

const PAGE_BYTES = 65_536;

describe('Arena', () => {
  it('gives blocks on whole pages that overlap no other block, within the size that was counted', () => {
    const block = fc.record({ elements: fc.integer({ min: 1, max: 40_000 }), aligned: fc.boolean() });
    fc.assert(
      fc.property(fc.array(block, { minLength: 1, maxLength: 12 }), (blocks) => {
        const counted = blocks.reduce(
          (sum, { elements, aligned }) => sum + (aligned ? alignedAllocationSize(elements) : allocationSize(elements)),
          0,
        );
        const arena = Arena.create(counted);
        let end = arena.next;
        for (const { elements, aligned } of blocks) {
          const offset = aligned ? arena.allocateAligned(elements) : arena.allocate(elements);
          expect(offset).toBeGreaterThanOrEqual(end);
          expect(arena.next).toBeGreaterThanOrEqual(offset + elements);
          if (aligned) {
            expect((offset * arena.elementBytes) % PAGE_BYTES).toBe(0);
            expect((arena.next * arena.elementBytes) % PAGE_BYTES).toBe(0);
          }
          end = arena.next;
        }
      }),
    );
  });

  it('says when there is no room on whole pages', () => {
    const arena = Arena.create(100);
    expect(() => arena.allocateAligned(1)).not.toThrow();
    expect(() => arena.allocateAligned(1)).toThrow('no room for 1 more on whole pages');
  });
});
