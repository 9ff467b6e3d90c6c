import { describe, expect, it } from '@jest/globals';
import { explore, type Model, type Outcome } from './explore.js';
import { protocol } from './protocol.js';
import { stateString } from './string.js';
import { LIST_VARIANTS } from './string.list.variants.js';
import { STRING_VARIANTS } from './string.variants.js';
import { VARIANTS, type Holding, type Variant, type Violated } from './variants.js';
import { ONE_LEVEL_VARIANTS } from './whole.one-level.variants.js';
import { TWO_LEVEL_VARIANTS } from './whole.two-level.variants.js';
import { whole } from './whole.js';

/** Some walks take a second or two by themselves, and a busy machine takes longer. */
const TIMEOUT_MS = 60_000;

describe('the protocol, in the smallest instance that needs its guards', () => {
  check(VARIANTS, protocol);
});

describe('the whole protocol with one level', () => {
  check(ONE_LEVEL_VARIANTS, whole);
});

describe('the whole protocol with two levels', () => {
  check(TWO_LEVEL_VARIANTS, whole);
});

describe('the state string', () => {
  check(STRING_VARIANTS, stateString);
  check(LIST_VARIANTS, stateString);
});

function check<Rules, State>(variants: readonly Variant<Rules>[], modelOf: (rules: Rules) => Model<State>): void {
  for (const variant of variants) {
    const walk = (): Outcome => explore(modelOf(variant.rules));
    if (variant.expected === 'holds') itHolds(variant, walk);
    else itIsViolated(variant, walk);
  }
}

function itHolds({ letter, title, states }: Holding<unknown>, walk: () => Outcome): void {
  it(
    `${letter}: ${title} holds`,
    () => {
      expect(walk()).toEqual({ verdict: 'holds', states, trace: [] });
    },
    TIMEOUT_MS,
  );
}

function itIsViolated({ letter, title, lacks }: Violated<unknown>, walk: () => Outcome): void {
  it(
    `${letter}: ${title} is violated`,
    () => {
      const { verdict, trace } = walk();
      if (process.env['MODEL_TRACE']) console.log([`${letter} lacks ${lacks}`, ...trace].join('\n  '));
      expect(verdict).toBe('violated');
      expect(trace.length).toBeGreaterThan(1);
      expect(trace.at(-1)).toMatch(/^STALE READ: reader \d in process \d .* returned (the old version|version \d)$/);
    },
    TIMEOUT_MS,
  );
}
