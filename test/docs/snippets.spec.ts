import { describe, expect, it } from '@jest/globals';
import { mistakesIn } from './compile.js';
import { readPages, snippetsOf, type Snippet } from './pages.js';

const snippets = readPages().flatMap(snippetsOf);

it('there are snippets to check', () => {
  expect(snippets.length).toBeGreaterThan(20);
});

describe('every TypeScript snippet compiles', () => {
  let found: ReturnType<typeof mistakesIn> | undefined;

  it.each(snippets.map((snippet) => [snippet.title, snippet] as const))(
    '%s',
    (_, snippet) => {
      expect((found ??= mistakesIn(snippets)).get(snippet)).toEqual([]);
    },
    120_000,
  );
});

describe('the check bites', () => {
  const code = (...lines: string[]): Snippet => ({ title: 'p.md:5', page: 'p.md', line: 5, code: lines.join('\n') });
  const wrong = code(
    'await cache.set("a", 1);',
    'await cache.set("a", 1, { ttl: true });',
    'await cache.seet("a", 1);',
  );
  const shadowing = code('interface Cat { name: number }', 'const cat: Cat = { name: 1 };', 'cat.name.toFixed();');
  const method = code("@Cacheable('5m')", 'findOne(id: string): Promise<Cat> { return this.cats.find(id); }');
  const text = ['a', '```ts', 'one', '```', '- b', '  ```ts ignore', '  two', '  ```', '```sh', 'three', '```'].join(
    '\n',
  );

  it('a mistake is named with its line, a sound snippet passes', () => {
    const found = mistakesIn([wrong, shadowing, method]);
    expect(found.get(wrong)).toEqual([
      expect.stringMatching(/^p\.md:6 Type 'true' is not assignable/),
      expect.stringMatching(/^p\.md:7 Property 'seet' does not exist/),
    ]);
    expect(found.get(shadowing)).toEqual([]);
    expect(found.get(method)).toEqual([]);
  }, 120_000);

  it('blocks of other languages and blocks to be ignored are left out', () => {
    expect(snippetsOf({ path: 'p.md', text })).toEqual([{ title: 'p.md:3', page: 'p.md', line: 3, code: 'one' }]);
  });
});
