/**
 * What sample 04 promises beyond the contract of backends (which `test/package/own-backend.spec.ts` runs against it): the
 * backend of somebody else in a module, and what a folder is after its process has ended.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Test, type TestingModule } from '@nestjs/testing';
import { CacheService, type ScopedCache } from 'nestjs-scoped-cache';
import { guarded } from 'nestjs-scoped-cache/backend';
import { CacheTestingModule, FakeClock } from 'nestjs-scoped-cache/testing';
import { fileStore } from '../../../sample/04-own-backend/src/file-store/file-store.js';

let folder = '';
let opened: TestingModule | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'file-store-'));
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

/** An application on the folder; the one before has ended. */
async function start(backend = fileStore({ folder })): Promise<ScopedCache> {
  await stop();
  const module = CacheTestingModule.forTest({ backend, defaults: { ttl: '5m' } });
  opened = await Test.createTestingModule({ imports: [module] }).compile();
  await opened.init();
  return opened.get(CacheService).tenant('acme');
}

async function stop(): Promise<void> {
  await opened?.close();
  opened = undefined;
}

/** The files of entries, wherever they are. */
function files(): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'state.json')
    .map((entry) => join(entry.parentPath, entry.name));
}

function states(): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(({ name }) => name === 'state.json')
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('a file store in a module', () => {
  it('serves what a loader gave, each tenant its own', async () => {
    const cache = await start();
    let loads = 0;
    const load = async (): Promise<object> => ({ load: ++loads, at: new Date(0), tags: new Set(['a']) });
    const first = await cache.getOrSet('cat', load);
    expect(await cache.getOrSet('cat', load)).toEqual(first);
    expect(await opened?.get(CacheService).tenant('globex').get('cat')).toBeUndefined();
    expect(loads).toBe(1);
  });

  it('is loaded by one of many who ask at once', async () => {
    const cache = await start();
    let loads = 0;
    const answers = Array.from({ length: 20 }, () => cache.getOrSet('cat', async () => ++loads));
    expect(new Set(await Promise.all(answers))).toEqual(new Set([1]));
  });

  it('tidies up what has expired', async () => {
    const cache = await start();
    await cache.set('short', 1, { ttl: '10s' });
    await cache.set('long', 1);
    expect(files()).toHaveLength(2);
    await opened?.get(FakeClock).advance(60_000);
    expect(files()).toHaveLength(1);
    expect(await cache.get('long')).toBe(1);
  });

  it('behind a guard costs the cache and not the answers when its folder cannot be used', async () => {
    const cache = await start(guarded(fileStore({ folder })));
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'no folder any more');
    expect(await cache.getOrSet('cat', async () => 'Tom')).toBe('Tom');
    expect(await cache.getOrSet('cat', async () => 'Kit')).toBe('Kit');
  });
});

describe('after a restart', () => {
  it('what was stored is there, with what is left of its life', async () => {
    const cache = await start();
    await cache.set('cat', new Map([['name', 'Tom']]));
    const again = await start();
    expect(await again.get('cat')).toEqual(new Map([['name', 'Tom']]));
    const keys: string[] = [];
    for await (const key of again.keys('*')) keys.push(key);
    expect(keys).toEqual(['cat']);
    await opened?.get(FakeClock).advance(300_000);
    expect(await again.get('cat')).toBeUndefined();
  });

  it.each<readonly [string, (cache: ScopedCache) => Promise<unknown>]>([
    ['deleted', (cache) => cache.delete('cat')],
    ['invalidated by a tag', (cache) => cache.invalidateTags(['pets'])],
    ['cleared', (cache) => cache.clear()],
    ['removed by a pattern', (cache) => cache.invalidate('c*')],
  ])('what was %s is not', async (_, remove) => {
    const cache = await start();
    await cache.set('cat', 'Tom', { tags: ['pets'] });
    const [entry = ''] = files();
    cpSync(entry, `${entry}.kept`);
    await remove(cache);
    expect(await (await start()).get('cat')).toBeUndefined();
    expect(basename(entry)).toMatch(/^[0-9a-f]{40}$/);
  });

  it('a file that comes back from before its tag was invalidated is not served', async () => {
    const cache = await start();
    await cache.set('cat', 'Tom', { tags: ['pets'] });
    const [entry = ''] = files();
    const bytes = readFileSync(entry);
    await cache.invalidateTags(['pets']);
    await stop();
    writeFileSync(entry, bytes);
    expect(await (await start()).get('cat')).toBeUndefined();
  });

  it('what was stored after a pattern was removed is gone with its tag all the same', async () => {
    const cache = await start();
    await cache.set('dog', 'Rex', { tags: ['pets'] });
    // Each raises the clock of the tenant: were that forgotten, the invalidation below would be older than the entry.
    for (let time = 0; time < 3; time++) await cache.invalidate('nothing*');
    await cache.set('cat', 'Tom', { tags: ['pets'] });
    const again = await start();
    expect(await again.get('cat')).toBe('Tom');
    await again.invalidateTags(['pets']);
    expect(await again.get('cat')).toBeUndefined();
  });

  it('nothing is believed of a tenant whose state is lost', async () => {
    await (await start()).set('cat', 'Tom');
    await stop();
    for (const state of states()) rmSync(state);
    const again = await start();
    expect(await again.get('cat')).toBeUndefined();
    await again.set('cat', 'Kit');
    expect(await again.get('cat')).toBe('Kit');
  });

  it.each<readonly [string, (bytes: Buffer) => Buffer]>([
    ['torn', (bytes) => bytes.subarray(0, bytes.length / 2)],
    ['empty', () => Buffer.alloc(0)],
    ['changed by a bit', (bytes) => bytes.map((byte, at) => (at === bytes.length - 6 ? byte ^ 1 : byte)) as Buffer],
  ])('a file that is %s is not served', async (_, damage) => {
    await (await start()).set('cat', 'Tom');
    await stop();
    for (const file of files()) writeFileSync(file, damage(readFileSync(file)));
    expect(await (await start()).get('cat')).toBeUndefined();
  });

  it('what a process that ended in the middle has left is gone, and counts for nothing', async () => {
    await (await start()).set('cat', 'Tom');
    await stop();
    const [cat = ''] = files();
    cpSync(cat, `${cat}.tmp`);
    rmSync(cat);
    const again = await start();
    expect([files(), await again.get('cat')]).toEqual([[], undefined]);
  });

  it('a file under the name of another is not served, nor while its process lives', async () => {
    const cache = await start();
    await cache.set('cat', 'Tom');
    const [cat = ''] = files();
    await cache.set('dog', 'Rex');
    const dog = files().find((file) => file !== cat) ?? '';
    cpSync(cat, dog);
    expect(await cache.get('dog')).toBeUndefined();
    const again = await start();
    expect([await again.get('dog'), await again.get('cat')]).toEqual([undefined, 'Tom']);
  });
});
