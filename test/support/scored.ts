import type { AgentEngine } from '../../worker/agent.js';
import type { Evaluate, ShardReport, ShardScore } from '../../src/protocol/messages.js';
import { EMPTY_SPREAD } from '../../src/scores/spread.js';

/** A shard's report as an evaluation gives it, with nothing in it but the loss and the right predictions. */
export function scored(report: ShardReport): ShardScore {
  return {
    ...report,
    confusion: [],
    positiveScores: new Float32Array(0),
    negativeScores: new Float32Array(0),
    absoluteError: 0,
    targets: EMPTY_SPREAD,
    misjudged: [],
  };
}

type Part = Pick<Evaluate, 'split' | 'firstShard' | 'endShard'> & { readonly mistakes?: number };

/** All that an engine reports of a part of a split. */
export async function scoresOf(engine: AgentEngine, weights: 0 | 1, part: Part): Promise<ShardScore[]> {
  const scores: ShardScore[] = [];
  await engine.evaluate({ mistakes: 0, ...part }, weights, (shards) => scores.push(...shards));
  return scores;
}
