import { describe, expect, it } from '@jest/globals';
import { mistakesIn } from './compile.js';
import { readPages, snippetsOf, type Snippet } from './pages.js';

const snippets = readPages().flatMap(snippetsOf);
const code = (...lines: string[]): Snippet => ({ title: 'p.md:5', page: 'p.md', line: 5, code: lines.join('\n') });

it('there are snippets to check', () => {
  expect(snippets.length).toBeGreaterThan(20);
});

const first: Snippet = { ...(snippets.find(({ page }) => page === 'README.md') as Snippet), isWhole: true };
const wrong = code('await cache.set("a", 1);', 'await cache.set("a", 1, { ttl: true });', 'await cache.seet("a", 1);');
const shadowing = code('interface Cat { name: number }', 'const cat: Cat = { name: 1 };', 'cat.name.toFixed();');
const method = code("@Cacheable('5m')", 'findOne(id: string): Promise<Cat> { return this.cats.find(id); }');
/** What the compiler says of it, and what that has to tell. */
const refused: readonly (readonly [what: string, says: RegExp, snippet: Snippet])[] = [
  ['a misspelt option of @Cacheable', /NotAnOption<"tll">/, under("@Cacheable({ tll: '5m' })")],
  ['one beside an option that is one', /NotAnOption<"tag">/, under("@Cacheable({ ttl: '5m', tag: ['x'] })")],
  ['a misspelt option of @CachePut', /NotAnOption<"tll">/, under("@CachePut({ tll: '5m', key: 'k' })")],
  ['a misspelt option of @CacheEvict', /NotAnOption<"tagss">/, under("@CacheEvict({ tagss: ['x'] })")],
  ['an option of another decorator', /NotAnOption<"ttl">/, under("@CacheEvict({ tags: ['x'], ttl: '5m' })")],
  [
    'a synchronous method',
    /make it async or return a Promise/,
    code('class Cats { @Cacheable() find(id: string): string { return id; } }'),
  ],
  [
    'a private method that is to be evicted',
    /not a public async method or getter of this class \(make it public\)/,
    code(
      'class Cats { private async find(id: string) { return id; }',
      "@CacheEvict({ method: 'find' }) async drop(id: string) { await this.find(id); } }",
    ),
  ],
];

function under(decorator: string): Snippet {
  return code(`class Cats { ${decorator} async find(id: string): Promise<string> { return id; } }`);
}

/** All in one program: what costs time is to read the library. */
let program: ReturnType<typeof mistakesIn> | undefined;
const found = (snippet: Snippet): readonly string[] | undefined =>
  (program ??= mistakesIn([...snippets, first, wrong, shadowing, method, ...refused.map(([, , one]) => one)])).get(
    snippet,
  );

describe('every TypeScript snippet compiles', () => {
  it.each(snippets.map((snippet) => [snippet.title, snippet] as const))(
    '%s',
    (_, snippet) => {
      expect(found(snippet)).toEqual([]);
    },
    120_000,
  );

  it('the first one of the README by itself, as it is printed', () => {
    expect(found(first)).toEqual([]);
  });
});

describe('the compiler says what to write', () => {
  it.each(refused)('of %s', (_, says, snippet) => {
    expect(found(snippet)?.join('\n')).toMatch(says);
  });
});

describe('the check bites', () => {
  const text = ['a', '```ts', 'one', '```', '- b', '  ```ts ignore', '  two', '  ```', '```sh', 'three', '```'].join(
    '\n',
  );

  it('a mistake is named with its line, a sound snippet passes', () => {
    expect(found(wrong)).toEqual([
      expect.stringMatching(/^p\.md:6 Type 'true' is not assignable/),
      expect.stringMatching(/^p\.md:7 Property 'seet' does not exist/),
    ]);
    expect(found(shadowing)).toEqual([]);
    expect(found(method)).toEqual([]);
  });

  it('blocks of other languages and blocks to be ignored are left out', () => {
    expect(snippetsOf({ path: 'p.md', text })).toEqual([{ title: 'p.md:3', page: 'p.md', line: 3, code: 'one' }]);
  });
});
