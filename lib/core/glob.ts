import { PatternInvalidError } from './errors.js';

/**
 * Our own patterns, the same on every backend: `*` any run, `?` one character, `[a-z]` one of, `[^a-z]` none of,
 * `\x` the character x itself. Matching is greedy with one point to return to, so its cost is at most
 * (length of text) × (length of pattern) and the pattern's length is bounded: no input makes it explode.
 */
export interface Glob {
  readonly source: string;
  /** The literal text every match starts with; '' when the pattern starts with a wildcard. */
  readonly prefix: string;
  /** True for `*`: everything matches. */
  readonly matchesAll: boolean;
  test(text: string): boolean;
}

const MAX_PATTERN_LENGTH = 256;

type Token = string | typeof ANY_RUN | typeof ANY_ONE | CharacterClass;
const ANY_RUN = Symbol('*');
const ANY_ONE = Symbol('?');

interface CharacterClass {
  readonly negated: boolean;
  /** Pairs of first and last code point. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** Compiles a pattern. @throws PatternInvalidError when it is empty, too long, or a class is not closed. */
export function compileGlob(source: string): Glob {
  if (typeof source !== 'string' || source === '') throw new PatternInvalidError('must be a text that is not empty');
  if (source.length > MAX_PATTERN_LENGTH)
    throw new PatternInvalidError(`must have at most ${MAX_PATTERN_LENGTH} characters`);
  const tokens = tokenize(Array.from(source));
  let prefix = '';
  for (const token of tokens) {
    if (typeof token !== 'string') break;
    prefix += token;
  }
  const matchesAll = tokens.length === 1 && tokens[0] === ANY_RUN;
  return Object.freeze({
    source,
    prefix,
    matchesAll,
    test: (text: string) => matchesAll || (text.startsWith(prefix) && matches(tokens, Array.from(text))),
  });
}

/** The pattern that matches exactly `text`. */
export function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&');
}

function tokenize(chars: readonly string[]): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] as string;
    if (char === '*') {
      if (tokens.at(-1) !== ANY_RUN) tokens.push(ANY_RUN);
    } else if (char === '?') tokens.push(ANY_ONE);
    else if (char === '\\') {
      const escaped = chars[++at];
      if (escaped === undefined) throw new PatternInvalidError('ends with a backslash that escapes nothing');
      tokens.push(escaped);
    } else if (char === '[') {
      const end = classEnd(chars, at);
      tokens.push(characterClass(chars.slice(at + 1, end)));
      at = end;
    } else tokens.push(char);
  }
  return tokens;
}

function classEnd(chars: readonly string[], start: number): number {
  // A closing bracket in first place belongs to the class, as in every shell.
  let at = start + 1;
  if (chars[at] === '^') at++;
  for (at++; at < chars.length; at++) if (chars[at] === ']') return at;
  throw new PatternInvalidError('has a [ that is not closed; write \\[ for the character itself');
}

function characterClass(body: readonly string[]): CharacterClass {
  const negated = body[0] === '^';
  const chars = negated ? body.slice(1) : body;
  const ranges: [number, number][] = [];
  for (let at = 0; at < chars.length; at++) {
    const first = codeOf(chars[at] as string);
    if (chars[at + 1] === '-' && at + 2 < chars.length) {
      const last = codeOf(chars[at + 2] as string);
      if (last < first) throw new PatternInvalidError('has a range that runs backwards');
      ranges.push([first, last]);
      at += 2;
    } else ranges.push([first, first]);
  }
  return { negated, ranges };
}

function matches(tokens: readonly Token[], text: readonly string[]): boolean {
  let token = 0;
  let at = 0;
  let retryToken = -1;
  let retryAt = 0;
  while (at < text.length) {
    const expected = tokens[token];
    if (expected === ANY_RUN) {
      retryToken = ++token;
      retryAt = at;
    } else if (expected !== undefined && matchesOne(expected, text[at] as string)) {
      token++;
      at++;
    } else if (retryToken !== -1) {
      token = retryToken;
      at = ++retryAt;
    } else return false;
  }
  while (tokens[token] === ANY_RUN) token++;
  return token === tokens.length;
}

function matchesOne(token: Exclude<Token, typeof ANY_RUN> | symbol, char: string): boolean {
  if (token === ANY_ONE) return true;
  if (typeof token === 'string') return token === char;
  if (typeof token === 'symbol') return false;
  const code = codeOf(char);
  return token.ranges.some(([first, last]) => code >= first && code <= last) !== token.negated;
}

function codeOf(char: string): number {
  return char.codePointAt(0) ?? 0;
}
