import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, suggest } from '../../src/common/suggest.js';

/** The definition, by recursion: slow, and right by inspection. */
function distanceByDefinition(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const [a1, b1] = [a.slice(1), b.slice(1)];
  const options = [
    distanceByDefinition(a1, b) + 1,
    distanceByDefinition(a, b1) + 1,
    distanceByDefinition(a1, b1) + (a[0] === b[0] ? 0 : 1),
  ];
  if (a.length > 1 && b.length > 1 && a[0] === b[1] && a[1] === b[0]) {
    options.push(distanceByDefinition(a.slice(2), b.slice(2)) + 1);
  }
  return Math.min(...options);
}

describe('editDistance', () => {
  it.each([
    ['epochs', 'epochs', 0],
    ['learningRat', 'learningRate', 1],
    ['bachSize', 'batchSize', 1],
    ['sahrds', 'shards', 1],
    ['ca', 'abc', 3],
    ['', 'seed', 4],
  ])('%s → %s: %i', (a, b, expected) => {
    expect(editDistance(a, b)).toBe(expected);
  });

  it('is the one of the definition', () => {
    const short = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
    fc.assert(fc.property(short, short, (a, b) => editDistance(a, b) === distanceByDefinition(a, b)));
  });
});

describe('suggest', () => {
  it.each([
    ['Epochs', 'epochs'],
    ['learning_rate', 'learningRate'],
    ['sahrds', 'shards'],
    ['lr', undefined],
    ['workers', undefined],
  ])('%s: %s', (word, expected) => {
    expect(suggest(word, ['epochs', 'learningRate', 'shards', 'shuffle'])).toBe(expected);
  });
});
