import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { CacheConfigError } from '../../../lib/index.js';
import { resolveApplication } from '../../../lib/nest/application.js';
import { resolveSettings } from '../../../lib/nest/cache.settings.js';
import { optionsFromEnvironment } from '../../../lib/nest/env/cache.config.js';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A checkout with these files. */
function checkout(files: Record<string, string>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'scoped-cache-app-')));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

describe('what an application is called', () => {
  const named = (main: string | undefined): readonly string[] => resolveApplication({}, {}, main).names;

  it('is the name in the package.json nearest to the main script', () => {
    const root = checkout({
      'package.json': '{"name":"monorepo"}',
      'apps/api/package.json': '{"name":"@org/api"}',
      'apps/api/dist/package.json': '{"type":"commonjs"}',
      'apps/api/dist/main.js': '',
      'apps/broken/package.json': '{',
      'apps/odd/package.json': '{"name":5}',
    });
    expect(named(join(root, 'apps/api/dist/main.js'))).toEqual(['@org/api']);
    // As `nest start` and `node .` say it.
    expect(named(join(root, 'apps/api/dist/main'))).toEqual(['@org/api']);
    expect(named(join(root, 'apps/api'))).toEqual(['@org/api']);
    expect(named(join(root, 'apps/broken/main.js'))).toEqual(['monorepo']);
    expect(named(join(root, 'apps/odd/main.js'))).toEqual(['monorepo']);
  });

  it('is nothing where there is no script, and no name', () => {
    expect(named(undefined)).toEqual(expect.any(Array));
    expect(named('')).toEqual([]);
    expect(named('/nowhere/at/all/main.js')).toEqual([]);
    const spaced = checkout({ 'package.json': '{"name":"a b"}' });
    expect(named(join(spaced, 'main.js'))).toEqual([]);
  });

  it('is what the options say, alone or with those that belong to it', () => {
    expect(resolveApplication({ app: 'api' }, {}).names).toEqual(['api']);
    expect(resolveApplication({ app: ['api', 'worker', 'api'] }, {}).names).toEqual(['api', 'worker']);
  });

  it('comes with an environment: what is said, else NODE_ENV, else none', () => {
    const of = (environment: string | undefined, env: NodeJS.ProcessEnv): string =>
      resolveApplication({ environment }, env).environment;
    expect(of('staging', { NODE_ENV: 'production' })).toBe('staging');
    expect(of(undefined, { NODE_ENV: 'production' })).toBe('production');
    expect(of(undefined, {})).toBe('');
    expect(of(undefined, { NODE_ENV: 'a\nb' })).toBe('');
  });

  it.each<readonly [string, object]>([
    ['app', { app: '' }],
    ['app', { app: 'a b' }],
    ['app', { app: [] }],
    ['app', { app: ['api', 5] }],
    ['app', { app: null }],
    ['app', { app: Array.from({ length: 17 }, (_, at) => `a${at}`) }],
    ['app', { app: 'x'.repeat(215) }],
    ['environment', { environment: '' }],
    ['environment', { environment: 5 }],
    ['environment', { environment: 'x'.repeat(65) }],
  ])('is refused by the name of the option: %s %j', (option, options) => {
    const resolving = (): unknown => resolveSettings(options, console, undefined, {});
    expect(resolving).toThrow(CacheConfigError);
    expect(resolving).toThrow(`${option}: `);
  });

  it('is read from the environment, and refused by the name of the variable', async () => {
    const said = await optionsFromEnvironment({ CACHE_APP: 'api, worker', CACHE_ENVIRONMENT: 'staging' });
    expect(said).toMatchObject({ app: ['api', 'worker'], environment: 'staging' });
    expect(await optionsFromEnvironment({})).not.toHaveProperty('app');
    await expect(optionsFromEnvironment({ CACHE_APP: 'api,,worker' })).rejects.toThrow('CACHE_APP: ');
    await expect(optionsFromEnvironment({ CACHE_ENVIRONMENT: 'x'.repeat(65) })).rejects.toThrow('CACHE_ENVIRONMENT: ');
  });
});
