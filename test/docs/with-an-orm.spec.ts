/** The guide to ORMs shows code of `test/with-an-orm`, which is compiled and tested there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { ROOT } from './pages.js';

const TESTED = join(ROOT, 'test/with-an-orm');

/** What only tests are interested in. */
const OF_TESTS: readonly string[] = ['this.loads++;', 'await this.meanwhile();'];

/** Without indentation, of which a guide has less. */
const flat = (code: string): string =>
  code
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !OF_TESTS.includes(line))
    .join('\n');

const guide = readFileSync(join(ROOT, 'docs/guides/with-an-orm.md'), 'utf8');
const specs = readdirSync(TESTED)
  .filter((name) => name.endsWith('.spec.ts'))
  .map((name) => flat(readFileSync(join(TESTED, name), 'utf8')));
const snippets = Array.from(guide.matchAll(/^```ts.*\n([^]*?)^```$/gm), ([, code = '']) => flat(code.trim()));

it('every snippet of the guide to ORMs stands in a spec', () => {
  expect(snippets.length).toBeGreaterThan(10);
  expect(snippets.filter((code) => !specs.some((spec) => spec.includes(code)))).toEqual([]);
});
