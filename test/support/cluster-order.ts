/** Items in an order that a number stands for: drawn by a property, it gives every order of arrival sooner or later. */
export function shuffled<Item>(items: readonly Item[], seed: number): Item[] {
  const next = generator(seed);
  return items
    .map((item) => ({ item, rank: next() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}

/** Numbers from 0 to 2³¹ − 2: Park & Miller 1988, "Random number generators: good ones are hard to find". */
export function generator(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state;
  };
}
