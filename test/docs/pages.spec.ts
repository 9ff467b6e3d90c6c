import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { anchorsOf, linksOf, pathsIn, readPages, ROOT, type Page } from './pages.js';

const pages = readPages();
const byPath = new Map(pages.map((page) => [page.path, page]));

describe.each(pages.map((page) => [page.path, page] as const))('%s', (path, page) => {
  it('has links that lead somewhere', () => {
    expect(linksOf(page).filter((link) => !leadsSomewhere(link, path, page))).toEqual([]);
  });

  it('names files that are there', () => {
    expect(pathsIn(page).filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
  });
});

describe('what the library has, the pages tell', () => {
  const configuration = byPath.get('docs/guides/configuration.md')?.text ?? '';

  it.each([
    ['lib/nest/cache.options.ts', ['ScopeOptions', 'KeyOptions', 'CacheModuleOptions']],
    ['lib/codec/codec.options.ts', ['CodecOptions', 'CompressionOptions']],
    ['lib/codec/key-ring.ts', ['EncryptionOptions']],
    ['lib/core/policy.ts', ['PolicyOptions']],
    ['lib/core/limits.ts', ['LimitOptions']],
    ['lib/backends/memory/options.ts', ['MemoryOptions']],
    [
      'lib/nest/methods/decorator.options.ts',
      ['CommonOptions', 'CacheableOptions', 'CacheEvictOptions', 'CacheConfigOptions'],
    ],
  ])('every option of %s is in the configuration guide', (path, interfaces) => {
    const missing = interfaces
      .flatMap((name) => optionsOf(path, name))
      .filter((name) => !configuration.includes(`\`${name}\``));
    expect(missing).toEqual([]);
  });

  it('every error code is in the reference', () => {
    const errors = readFileSync(join(ROOT, 'lib/core/errors.ts'), 'utf8');
    const union = /export type CacheErrorCode =([^;]+);/.exec(errors)?.[1] ?? '';
    const codes = Array.from(union.matchAll(/'(\w+)'/g), ([, code = '']) => code);
    const text = byPath.get('docs/reference/errors.md')?.text ?? '';
    expect(codes.length).toBeGreaterThan(10);
    expect(codes.filter((code) => !text.includes(`\`${code}\``))).toEqual([]);
  });
});

function leadsSomewhere(link: string, from: string, page: Page): boolean {
  const [file = '', anchor] = link.split('#');
  const target = normalize(join(dirname(from), file));
  if (file !== '' && !existsSync(join(ROOT, target))) return false;
  const goal = file === '' ? page : byPath.get(target);
  return anchor === undefined || goal === undefined || anchorsOf(goal).has(anchor);
}

/** The properties of an interface, read from its source. */
function optionsOf(path: string, name: string): string[] {
  const source = readFileSync(join(ROOT, path), 'utf8');
  const body = new RegExp(`export interface ${name}\\b[^{]*\\{\\n([^]*?)\\n\\}`).exec(source)?.[1];
  if (body === undefined) throw new Error(`${path} has no interface ${name}`);
  return Array.from(body.matchAll(/^ {2}readonly (\w+)\??:/gm), ([, option = '']) => option);
}
