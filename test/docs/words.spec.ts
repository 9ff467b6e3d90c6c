import { describe, expect, it } from '@jest/globals';
import { sourceOf } from './ids.js';
import { comebacks, entriesOf, isNameOf, namesIn, namesOfLibrary } from './words.js';
import { RETIRED } from './words.retired.js';

const page = sourceOf('docs/words.md');
const entries = entriesOf(page);
const names = namesOfLibrary();
const declared = new Set(names.filter(({ isDeclared }) => isDeclared).map(({ name }) => name));

/** Entries that the code does not have under that name. */
function wrongOf(page: string): string[] {
  return entriesOf(page)
    .filter(({ word, name }) => !declared.has(name) || !isNameOf(name, word))
    .map(({ word, name }) => `${word}: ${name}`);
}

describe('words of our own', () => {
  it('are at most seventy, each with one meaning', () => {
    const words = entries.map(({ word }) => word);
    const rows = page.match(/^\| \*\*/gm) ?? [];
    expect(words.length).toBe(rows.length);
    expect(words.length).toBeLessThanOrEqual(70);
    expect(words.length).toBeGreaterThan(40);
    expect(words.filter((word, at) => words.indexOf(word) !== at)).toEqual([]);
  });

  it('are declared in the code, each under its name', () => {
    expect(wrongOf(page)).toEqual([]);
  });

  it('are none that were given up', () => {
    expect(entries.filter(({ word }) => RETIRED.some((retired) => retired.word === word))).toEqual([]);
  });
});

/** What a reader meets first. */
const FIRST_PAGES = ['README.md', 'docs/guides/scopes.md', 'docs/guides/keys.md', 'docs/guides/invalidation.md'];
/** Words of options and of the field, each explained where it comes first. */
const SHARED = ['entry', 'key', 'parts', 'scope', 'no scope', 'width', 'resolver', 'leak', 'tag'];
/** Words that mean there what they mean anywhere. */
const PLAIN = ['change', 'loading', 'naming', 'outage', 'reading'];
const OWN = entries.map(({ word }) => word).filter((word) => ![...SHARED, ...PLAIN].includes(word));

/** The words of a text outside of code, each once. */
function ownIn(text: string): string[] {
  const prose = text.replace(/^\s*```[^]*?^\s*```/gm, '').replace(/`[^`]*`/g, '');
  return [...OWN, 'tainted'].filter((word) => new RegExp(`\\b${word}(?:e?s)?\\b`, 'i').test(prose));
}

describe('words that are ours alone', () => {
  it.each(FIRST_PAGES)('are not needed to read %s', (path) => {
    expect(OWN.length).toBeGreaterThan(35);
    expect(ownIn(sourceOf(path))).toEqual([]);
  });

  it('are found, in the plural too, and not in code', () => {
    expect(ownIn('It takes leases of a `Space`.\n```ts\nconst stamp = 1;\n```\nA late scope resolver.')).toEqual([
      'late scope resolver',
      'lease',
    ]);
  });
});

describe('words that were given up', () => {
  it('have not come back, neither as names nor as parts of them', () => {
    expect(comebacks(names, RETIRED)).toEqual([]);
  });

  it('are listed once', () => {
    const words = RETIRED.map(({ word }) => word);
    expect(words.filter((word, at) => words.indexOf(word) !== at)).toEqual([]);
  });
});

describe('the comparison bites', () => {
  it('on an entry that no code has, or has under another name', () => {
    const row = (word: string, name: string): string => `| **${word}** | \`${name}\` | something |`;
    const planted = [row('entry', 'Entry'), row('turnip', 'Turnip'), row('lease', 'Entry')].join('\n');
    expect(wrongOf(planted)).toEqual(['turnip: Turnip', 'lease: Entry']);
  });

  it('on a name that is made of a retired word, and on a file of that name', () => {
    const code = 'const floor = Math.floor(1); class KeyMint {} function mintKeys() {} const blueprints = 1;';
    expect(comebacks(namesIn('lib/core/tally.ts', code), RETIRED)).toEqual([
      'lib/core/tally.ts: floor (say minimum stamp)',
      'lib/core/tally.ts: KeyMint (say key factory)',
      'lib/core/tally.ts: mintKeys (say key factory)',
      'lib/core/tally.ts: core/tally (say stats)',
    ]);
  });

  it('only where it is meant', () => {
    const code = 'const born = 1; interface Wire { onNews(): void }';
    expect(comebacks(namesIn('lib/testing/a.ts', code), RETIRED)).toEqual([]);
    expect(comebacks(namesIn('lib/backends/memory/a.ts', code), RETIRED)).toHaveLength(1);
  });
});
