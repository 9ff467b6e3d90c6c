/**
 * Matches by all ways at once: bit i of the state says that the first i characters of the pattern are matched by what was
 * read so far. One shift moves all of them on, 32 a word, so a text is read once and nothing is ever tried again.
 *
 * Characters that the pattern cannot tell apart are one kind: `[a-z]x*` knows `x`, the other letters up to `z`, and what
 * stands before, between and after. A kind has a row of bits, which say what takes it.
 */

/** One of a set of characters. */
export interface CharacterClass {
  readonly negated: boolean;
  /** Pairs of first and last code point. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** What takes exactly one character: this one, or one of these. */
export type Single = string | CharacterClass;

export interface Matcher {
  readonly matches: (text: string) => boolean;
  /** Words of the state. */
  readonly words: number;
}

const BITS = 32;
/** Code points whose kind is looked up instead of searched for. */
const TABLE = 128;

/** @param starsBefore which of the singles have a star before them; their number for a star at the end */
export function matcherOf(singles: readonly Single[], starsBefore: readonly number[]): Matcher {
  const end = singles.length;
  const words = Math.floor(end / BITS) + 1;
  const bounds = boundsOf(singles);
  const takes = new Int32Array((bounds.length + 1) * words);
  for (let kind = 0; kind <= bounds.length; kind++) {
    const example = kind === 0 ? -1 : (bounds[kind - 1] as number);
    for (const [at, single] of singles.entries()) if (isTaken(single, example)) set(takes, kind * words, at);
  }
  const stays = new Int32Array(words);
  for (const at of starsBefore) set(stays, 0, at);
  const kinds = Uint16Array.from({ length: TABLE }, (_, code) => search(bounds, code));
  const kindOf = (code: number): number => (code < TABLE ? (kinds[code] as number) : search(bounds, code));
  const state = new Int32Array(words);
  const isAtEnd = (): boolean => isSet(state, end);
  const isDecided = starsBefore.includes(end) ? isAtEnd : (): boolean => false;

  return {
    words,
    matches(text: string): boolean {
      state.fill(0);
      state[0] = 1;
      for (let at = 0; at < text.length && !isDecided(); at++) {
        const code = text.codePointAt(at) as number;
        if (code > 0xffff) at++;
        if (!advance(state, stays, takes, kindOf(code) * words)) return false;
      }
      return isAtEnd();
    },
  };
}

/** One character on. False: nothing can match any more. */
function advance(state: Int32Array, stays: Int32Array, takes: Int32Array, row: number): boolean {
  let carry = 0;
  let alive = 0;
  for (let word = 0; word < state.length; word++) {
    const now = state[word] as number;
    const taken = now & (takes[row + word] as number);
    const next = (taken << 1) | carry | (now & (stays[word] as number));
    carry = taken >>> (BITS - 1);
    state[word] = next;
    alive |= next;
  }
  return alive !== 0;
}

/** The code points at which another kind begins, in their order. */
function boundsOf(singles: readonly Single[]): readonly number[] {
  const bounds = new Set<number>();
  for (const single of singles) {
    for (const [first, last] of rangesOf(single)) bounds.add(first).add(last + 1);
  }
  return [...bounds].sort((one, other) => one - other);
}

function rangesOf(single: Single): CharacterClass['ranges'] {
  if (typeof single !== 'string') return single.ranges;
  const code = single.codePointAt(0) as number;
  return [[code, code]];
}

function isTaken(single: Single, code: number): boolean {
  const isNegated = typeof single !== 'string' && single.negated;
  return rangesOf(single).some(([first, last]) => code >= first && code <= last) !== isNegated;
}

/** How many of the bounds are not above the code point. */
function search(bounds: readonly number[], code: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((bounds[middle] as number) <= code) low = middle + 1;
    else high = middle;
  }
  return low;
}

function set(bits: Int32Array, offset: number, at: number): void {
  const word = offset + Math.floor(at / BITS);
  bits[word] = (bits[word] as number) | (1 << (at % BITS));
}

function isSet(bits: Int32Array, at: number): boolean {
  return ((bits[Math.floor(at / BITS)] as number) & (1 << (at % BITS))) !== 0;
}
