import { describe, expect, it } from 'vitest';
import type { WorkerMessage } from '../../src/protocol/messages.js';
import { AgentTrace } from '../../worker/agent-trace.js';

function recorded(): { readonly trace: AgentTrace; readonly sent: WorkerMessage[] } {
  const sent: WorkerMessage[] = [];
  return { trace: new AgentTrace({ send: (message) => void sent.push(message) }), sent };
}

describe("a worker's part in a trace", () => {
  it('is nothing as long as the run is not traced', () => {
    const { trace, sent } = recorded();
    trace.welcome(undefined);
    trace.tracer.begin(0);
    trace.tracer.span('event loop', 'step', 0, 1);
    trace.flush();
    expect(trace.tracer.enabled).toBe(false);
    expect(sent).toEqual([]);
  });

  it('is to send what it recorded of the steps that are wanted, once', () => {
    const { trace, sent } = recorded();
    trace.welcome({ firstStep: 1, endStep: 2 });
    for (const step of [0, 1, 2]) {
      trace.tracer.begin(step);
      trace.tracer.span('event loop', 'step', step, step + 0.5, { step: step + 1 });
      trace.flush();
    }
    const record = { track: 'event loop', name: 'step', startMs: 1, endMs: 1.5, args: { step: 2 } };
    expect(sent).toEqual([{ type: 'traceSpans', records: [record], dropped: 0 }]);
  });

  it('is to say at once what its clock shows', () => {
    const { trace, sent } = recorded();
    const before = performance.now();
    trace.answer({ type: 'clockPing', sentMs: -7 });
    const [pong] = sent;
    if (pong?.type !== 'clockPong') throw new Error('no answer');
    const { sentMs, remoteReceivedMs, remoteSentMs } = pong;
    expect(sentMs).toBe(-7);
    const times = [before, remoteReceivedMs, remoteSentMs, performance.now()];
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });
});
