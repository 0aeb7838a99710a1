/** What people call the parts of a pass, for traces. */
import type { Operation } from '../src/nn/layer.js';
import type { Program, Segment, Stage } from '../src/nn/program.js';
import { groupsOf } from './segment-runner.js';

/** Names of the groups of operations, by segment (see {@link SegmentRunner}) and place in it. */
export function segmentNames(program: Program): readonly (readonly string[])[] {
  const gradients = new Set<Operation>(program.gradients);
  const nameGroups = (segment: Segment, rows: string): string[] =>
    groupsOf(segment).map((group) => {
      if (group.kind === 'rows') return rows;
      return group.operations.some((operation) => gradients.has(operation)) ? 'parameter gradients' : 'sums over rows';
    });
  const turn = program.training.findIndex((stage) => !awaitsMoments(stage));
  return [
    ...program.training.flatMap((stage, index) => {
      const rows = index < turn ? 'forward' : index === turn ? 'forward, loss, backward' : 'backward';
      return [nameGroups(stage.operations, rows), nameGroups(stage.meanwhile, rows)];
    }),
    nameGroups(program.inference, 'inference'),
  ];
}

/** Moments are exchanged on the way forward only; the first stage that ends with something else holds the loss. */
function awaitsMoments({ awaits }: Stage): boolean {
  return awaits?.merge === 'moments';
}
