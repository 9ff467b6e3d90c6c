/**
 * State keys: four small numbers in one character, so that a state of fifty fields is a string of some thirty characters.
 * Hashing keys is most of what the walk costs.
 */

const ABSENT = 15;

/** The character code for a whole thing that is not there. */
export const NOTHING = 0xffff;

/** Four numbers from 0 to 14, or null for “absent”. A larger one is an error, as it would make two states look the same. */
export function pack(
  first: number | null,
  second: number | null = 0,
  third: number | null = 0,
  fourth: number | null = 0,
): number {
  return nibble(first) | (nibble(second) << 4) | (nibble(third) << 8) | (nibble(fourth) << 12);
}

function nibble(value: number | null): number {
  if (value === null) return ABSENT;
  if (value < 0 || value >= ABSENT) throw new RangeError(`${value} does not fit a state key`);
  return value;
}
