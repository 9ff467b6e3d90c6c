/** The reference is made from the docstrings: it is complete, up to date, and says what a reader looks for. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { ROOT } from './pages.js';
import { readLibrary, type Library } from './reference/library.js';
import { pagesOfReference, strays } from './reference/reference.js';
import { boundsInCode, optionsIn, reasonsOf, verbsIn } from './reference/facts.js';

let library: Library;
let pages: ReadonlyMap<string, string>;

beforeAll(async () => {
  library = readLibrary();
  pages = await pagesOfReference(library);
}, 120_000);

const page = (name: string): string => pages.get(`docs/reference/${name}`) ?? '';

it('every export of every door stands on one page', () => {
  expect(library.exported.size).toBeGreaterThan(150);
  expect(strays(library)).toEqual([]);
});

it('the pages are those that the docstrings make (npm run docs:reference)', () => {
  const outdated = [...pages].filter(([path, text]) => readFileSync(join(ROOT, path), 'utf8') !== text);
  expect(outdated.map(([path]) => path)).toEqual([]);
  const files = readdirSync(join(ROOT, 'docs/reference')).map((name) => `docs/reference/${name}`);
  expect(files.filter((path) => !pages.has(path))).toEqual([]);
});

describe('what a reader looks for is there', () => {
  it('of each verb: an example, and what comes of it when the backend fails', () => {
    const verbs = verbsIn(page('verbs.md'));
    expect(verbs.length).toBeGreaterThan(25);
    const withoutExample = verbs.filter(({ text }) => !text.includes('```ts\n'));
    expect(withoutExample.map(({ name }) => name)).toEqual([]);
    const unsaid = verbs.filter(
      ({ text }) => !/backend|server|with a scope|same function|operator|Gives the/.test(text),
    );
    expect(unsaid.map(({ name }) => name)).toEqual([]);
  });

  it('of each option: whether it is needed, or what counts without it', () => {
    const options = ['options.md', 'backends.md', 'decorators.md', 'verbs.md'].flatMap((name) => optionsIn(page(name)));
    expect(options.length).toBeGreaterThan(120);
    const open = options.filter(({ isOptional, text }) => isOptional && !text.includes('. Default: '));
    expect(open.map(({ name }) => name)).toEqual([]);
  });

  it('of each number that has bounds in the code: those bounds', () => {
    const text = [...pages.values()].join('\n');
    const said = optionsIn(text);
    const bounds = boundsInCode();
    expect(bounds.length).toBeGreaterThan(12);
    const missing = bounds.filter(({ option, numbers }) => {
      const places = said.filter(({ name }) => name === option);
      return !places.some((place) => numbers.every((number) => place.text.includes(number)));
    });
    expect(missing).toEqual([]);
  });

  it('of each reason that events and errors name: what it means', () => {
    const unsaid = ['BypassReason', 'RefusalReason', 'DamageReason', 'Verdict'].flatMap((name) =>
      reasonsOf(library, name).filter((reason) => !page('events.md').includes(`- \`${reason}\``)),
    );
    expect(unsaid).toEqual([]);
    const codes = reasonsOf(library, 'CacheErrorCode');
    expect(codes.filter((code) => !page('errors.md').includes(`Code \`${code}\``))).toEqual([]);
  });

  it('in lines that are read without scrolling, where they do not wrap', () => {
    const wide = [...pages].flatMap(([path, text]) =>
      text
        .split('\n')
        .filter((line) => line.startsWith('|') && line.length > 120)
        .map((line) => `${path}: ${line.slice(0, 60)}`),
    );
    expect(wide).toEqual([]);
  });
});
