import { expect } from 'vitest';
import { LockstepError } from '../../src/common/errors.js';

/** The error that a promise is rejected with. */
export async function errorOf(promise: Promise<unknown>): Promise<LockstepError> {
  const thrown: unknown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(LockstepError);
  return LockstepError.from(thrown);
}
