import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { PatternInvalidError } from '../../../../lib/core/errors.js';
import { compileGlob, escapeGlob } from '../../../../lib/core/keys/glob.js';
import { runs } from '../../../support/soak.js';

/**
 * The language once more, as slow and plain as it can be: the heads of a pattern one after the other, every way of a
 * star tried in turn. undefined: not a pattern.
 */
function reference(pattern: string, text: string): boolean | undefined {
  const tokens: ((char: string) => boolean)[] = [];
  const stars = new Set<number>();
  const chars = Array.from(pattern);
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!;
    if (char === '*') stars.add(tokens.push(() => true) - 1);
    else if (char === '?') tokens.push(() => true);
    else if (char === '\\') {
      const next = chars[++at];
      if (next === undefined) return undefined;
      tokens.push((it) => it === next);
    } else if (char === '[') {
      const start = chars[at + 1] === '^' ? at + 2 : at + 1;
      const end = chars.indexOf(']', start + 1);
      if (end === -1) return undefined;
      const set = members(chars.slice(start, end));
      if (set === undefined) return undefined;
      const isNegated = start === at + 2;
      tokens.push((it) => set(it) !== isNegated);
      at = end;
    } else tokens.push((it) => it === char);
  }
  const rest = Array.from(text);
  const matches = (token: number, at: number): boolean => {
    if (token === tokens.length) return at === rest.length;
    if (stars.has(token)) return matches(token + 1, at) || (at < rest.length && matches(token, at + 1));
    return at < rest.length && tokens[token]!(rest[at]!) && matches(token + 1, at + 1);
  };
  return pattern === '' ? undefined : matches(0, 0);
}

function members(body: readonly string[]): ((char: string) => boolean) | undefined {
  const ranges: [string, string][] = [];
  for (let at = 0; at < body.length; at++) {
    const isRange = body[at + 1] === '-' && at + 2 < body.length;
    ranges.push([body[at]!, isRange ? body[at + 2]! : body[at]!]);
    if (isRange) at += 2;
  }
  if (ranges.some(([first, last]) => first.codePointAt(0)! > last.codePointAt(0)!)) return undefined;
  return (char) =>
    ranges.some(
      ([first, last]) => first.codePointAt(0)! <= char.codePointAt(0)! && char.codePointAt(0)! <= last.codePointAt(0)!,
    );
}

const patterns = fc.string({
  unit: fc.constantFrom('a', 'b', '*', '?', '[', ']', '^', '-', '\\', '😀', '/'),
  maxLength: 9,
});
const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '-', '^', ']', '😀', '/', '*'), maxLength: 8 });

describe('a pattern', () => {
  it('matches what the plain reading of it matches', () => {
    fc.assert(
      fc.property(patterns, fc.array(texts, { minLength: 4, maxLength: 4 }), (pattern, inputs) => {
        const expected = inputs.map((text) => reference(pattern, text));
        if (expected[0] === undefined) {
          expect(() => compileGlob(pattern)).toThrow(PatternInvalidError);
          return true;
        }
        const glob = compileGlob(pattern);
        return inputs.every(
          (text, index) => glob.test(text) === expected[index] && (!expected[index] || text.startsWith(glob.prefix)),
        );
      }),
      runs(15_000),
    );
  });

  it.each<readonly [string, string, boolean]>([
    ['user:*', 'user:42', true],
    ['user:*', 'user:', true],
    ['user:*', 'users:42', false],
    ['*', '', true],
    ['*', 'anything\nat all', true],
    ['?', '', false],
    ['?', '😀', true],
    ['??', '😀', false],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['[]]', ']', true],
    ['[^]]', ']', false],
    ['[a-]', '-', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['a\\\\', 'a\\', true],
    ['(a|b)+', 'a', false],
    ['a.c', 'abc', false],
    ['A', 'a', false],
    ['report:2024-*', 'report:2024-11', true],
  ])('%p against %p: %p', (pattern, text, answer) => {
    expect(compileGlob(pattern).test(text)).toBe(answer);
  });

  it.each(['', 'a\\', '[', '[a', '[]', '[^]', '[b-a]', 'x'.repeat(257)])('%p is none', (pattern) => {
    expect(() => compileGlob(pattern)).toThrow(PatternInvalidError);
  });

  it.each([undefined, null, 1, {}, ['*'], /a*/])('%p is none', (pattern) => {
    expect(() => compileGlob(pattern as string)).toThrow(PatternInvalidError);
  });

  it('tells what every match starts with, and whether everything matches', () => {
    expect(compileGlob('user:\\*:?')).toMatchObject({ source: 'user:\\*:?', prefix: 'user:*:', matchesAll: false });
    expect(compileGlob('**')).toMatchObject({ prefix: '', matchesAll: true });
    expect(compileGlob('*a').matchesAll).toBe(false);
  });

  it('escaped, a text matches itself and nothing else', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'ab*?[]\\^-'.split('')), minLength: 1, maxLength: 8 }),
        texts,
        (text, other) => {
          const glob = compileGlob(escapeGlob(text));
          return glob.test(text) && glob.test(other) === (text === other);
        },
      ),
      runs(5_000),
    );
  });
});

describe('C32: patterns made to take for ever', () => {
  const LONG = 50_000;

  it('longer than 256 characters are refused before they are read', () => {
    expect(() => compileGlob('a?'.repeat(25_000))).toThrow('must have at most 256 characters');
  });

  it.each<readonly [string, string, string, boolean]>([
    ['a star before every letter', 'a*'.repeat(127) + 'b', 'a'.repeat(LONG), false],
    ['stars and question marks', '*?'.repeat(127) + 'b', 'a'.repeat(LONG), false],
    ['a long run after a star', `*${'a'.repeat(254)}b`, 'a'.repeat(LONG), false],
    ['classes after stars', '*[a-a]'.repeat(42) + 'b', 'a'.repeat(LONG), false],
    ['a wide class', `*[${'a-a'.repeat(80)}]b`, 'a'.repeat(LONG), false],
    ['nothing but stars', `${'*'.repeat(255)}b`, 'a'.repeat(LONG), false],
    ['what matches at the last moment', `*${'a'.repeat(200)}b`, `${'a'.repeat(LONG)}b`, true],
  ])('%s: every character of the text is read once', (_, pattern, text, answer) => {
    const glob = compileGlob(pattern);
    const read = jest.spyOn(String.prototype, 'codePointAt');
    try {
      expect(glob.test(text)).toBe(answer);
      expect(read.mock.calls.length).toBeLessThanOrEqual(text.length);
    } finally {
      read.mockRestore();
    }
  });

  it('a character costs a step for every 32 characters of the pattern, and none where everything matches', () => {
    expect(compileGlob('*').stepsPerCharacter).toBe(0);
    expect(compileGlob('user:*').stepsPerCharacter).toBe(1);
    expect(compileGlob(`*${'a'.repeat(254)}b`).stepsPerCharacter).toBe(8);
    expect(compileGlob('x'.repeat(256)).stepsPerCharacter).toBe(9);
  });

  it.each([1, 30, 31, 32, 33, 62, 63, 64, 65, 127, 128, 200, 254])(
    'of %i characters means what a short one means',
    (length) => {
      const body = Array.from({ length }, (__, at) => 'abc'[at % 3]).join('');
      const altered = (at: number): string => `${body.slice(0, at)}-${body.slice(at + 1)}`;
      const texts = [
        body,
        `xyabc${body}`,
        `${body}abx`,
        `${body}${body.slice(0, -1)}`,
        altered(0),
        altered(length >> 1),
      ];
      for (const text of texts) {
        expect(compileGlob(body).test(text)).toBe(text === body);
        expect(compileGlob(`*${body}`).test(text)).toBe(text.endsWith(body));
        expect(compileGlob(`${body}*`).test(text)).toBe(text.startsWith(body));
        expect(compileGlob(`*${body}*`).test(text)).toBe(text.includes(body));
      }
      expect(compileGlob(`${'?'.repeat(length)}*`).test('x'.repeat(length))).toBe(true);
      expect(compileGlob(`${'?'.repeat(length)}*`).test('x'.repeat(length - 1))).toBe(false);
    },
  );
});
