import type { AgentEngine } from '../../worker/session.js';
import { UNSCORED, type Evaluate, type ShardReport, type ShardScore } from '../../src/protocol/messages.js';

/** A shard's report as an evaluation gives it, with nothing in it but the loss and the right predictions. */
export function scored(report: ShardReport): ShardScore {
  return { ...report, ...UNSCORED };
}

type Part = Pick<Evaluate, 'split' | 'firstShard' | 'endShard'> & { readonly mistakes?: number };

/** All that an engine reports of a part of a split. */
export async function scoresOf(engine: AgentEngine, weights: 0 | 1, part: Part): Promise<ShardScore[]> {
  const scores: ShardScore[] = [];
  await engine.evaluate({ mistakes: 0, ...part }, weights, (shards) => scores.push(...shards));
  return scores;
}
