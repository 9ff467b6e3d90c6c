import { PatternInvalidError } from '../errors.js';
import { matcherOf, type CharacterClass, type Single } from './glob.matcher.js';

/**
 * Our own patterns, the same on every backend: `*` any run, `?` one character, `[a-z]` one of, `[^a-z]` none of,
 * `\x` the character x itself. A text is read once, from left to right, whatever the pattern: no input makes it explode.
 */
export interface Glob {
  readonly source: string;
  /** The literal text every match starts with; '' when the pattern starts with a wildcard. */
  readonly prefix: string;
  /** True for `*`: everything matches. */
  readonly matchesAll: boolean;
  /** Steps that each character of a text costs at most: one for every 32 characters of the pattern. */
  readonly stepsPerCharacter: number;
  test(text: string): boolean;
}

const MAX_PATTERN_LENGTH = 256;

type Token = Single | typeof ANY_RUN;
const ANY_RUN = Symbol('*');
/** `?`: outside of no range. */
const ANY_ONE: CharacterClass = Object.freeze({ negated: true, ranges: Object.freeze([]) });

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
  const { matches, words } = matcherOf(
    tokens.filter((token) => token !== ANY_RUN),
    starsIn(tokens),
  );
  return Object.freeze({
    source,
    prefix,
    matchesAll,
    stepsPerCharacter: matchesAll ? 0 : words,
    test: (text: string) => matchesAll || (text.startsWith(prefix) && matches(text)),
  });
}

/** Steps for a character of a key that is written as a person would write it. */
const WRITING_STEPS = 3;

/** Steps that it takes, at most, to see whether a key of such a length matches. */
export function stepsToTest({ matchesAll, stepsPerCharacter }: Glob, length: number): number {
  return matchesAll ? 0 : length * (WRITING_STEPS + stepsPerCharacter);
}

/** The pattern that matches exactly `text`. */
export function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&');
}

/** Before which of the other tokens a star stands; their number for one at the end. */
function starsIn(tokens: readonly Token[]): readonly number[] {
  const before: number[] = [];
  let others = 0;
  for (const token of tokens) {
    if (token === ANY_RUN) before.push(others);
    else others++;
  }
  return before;
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

function codeOf(char: string): number {
  return char.codePointAt(0) ?? 0;
}
