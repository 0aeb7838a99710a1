import { describe, expect, it } from 'vitest';
import { plainReason } from '../../src/rpc/reason.js';

describe('the reason of a gRPC error', () => {
  it.each([
    [
      '14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: ',
      'connect ECONNREFUSED 127.0.0.1:1',
    ],
    [
      'No address added out of total 1 resolved errors: [listen EADDRINUSE: address already in use 127.0.0.1:7700]',
      'listen EADDRINUSE: address already in use 127.0.0.1:7700',
    ],
    ['16 UNAUTHENTICATED: the join token is missing or wrong', 'the join token is missing or wrong'],
    ['14 UNAVAILABLE: Connection dropped', 'Connection dropped'],
    ['read ECONNRESET', 'read ECONNRESET'],
  ])('%s is %s', (message, reason) => {
    expect(plainReason(new Error(message))).toBe(reason);
  });
});
