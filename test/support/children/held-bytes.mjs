/**
 * What a cache holds, measured: heap and buffers with it, minus what they were before it was filled. A process of its own
 * for each shape, started with --expose-gc.
 */
import { DEFAULT_CORE_SETTINGS } from '../../../lib/assemble.ts';
import { assemble } from '../machine/assemble.ts';
import { memory } from '../../../lib/backends/memory/memory.backend.ts';
import { systemClock } from '../../../lib/core/clock.ts';
import { DEFAULT_POLICY } from '../../../lib/core/policy.ts';

/** `[name of a shape, steps, options of memory]`, one after the other. */
const runs = JSON.parse(process.argv[2]);
const POLICY = { ...DEFAULT_POLICY, ttlMs: 3_600_000 };
const tags = (from, count) => Array.from({ length: count }, (_, at) => `some tag:${from}:${at}`);

/** What is stored in one step: `[ids, namespace, key, value, tags]`. */
const SHAPES = {
  small: (at) => [{ tenant: 'acme' }, 'cats', [at], { id: at, name: `Cat ${at}`, age: at % 20 }],
  'small numbers': (at) => [{ tenant: 'acme' }, 'cats', [at], at],
  'tiny entries of many tenants': (at) => [{ tenant: `tenant-${at}` }, 'cats', [1], at],
  'invalidated tags': (at) => [{ tenant: `tenant-${at}` }, 'cats', [1], at],
  'tiny entries of many users': (at) => [{ tenant: 'acme', user: `user-${at}` }, 'cats', [1], at],
  'users with several namespaces': (at) => [{ tenant: 'acme', user: `user-${at >> 3}` }, `cats.${at % 8}`, [1], at],
  '32 tags of users': (at) => [{ tenant: 'acme', user: `user-${at % 200}` }, 'cats', [at], at, tags(at, 32)],
  'two tags, which others have': (at) => [{ tenant: 'acme' }, 'cats', [at], at, ['cats', `litter:${at % 1_000}`]],
  '32 tags of tenants': (at) => [{ tenant: `tenant-${at % 200}` }, 'cats', [at], at, tags(at, 32)],
  'long keys': (at) => [{ tenant: 'acme' }, 'cats', [at, 'x'.repeat(100), 'y'.repeat(100), 'z'.repeat(100)], at],
  'long texts': (at) => [{ tenant: 'acme' }, 'cats', [at], String(at).padEnd(20_000, 'text ')],
  'wide texts': (at) => [{ tenant: 'acme' }, 'cats', [at], String(at).padEnd(5_000, 'текст ')],
  'lists of objects': (at) => [
    { tenant: 'acme' },
    'cats',
    [at],
    Array.from({ length: 200 }, (_, row) => ({ id: at + row, name: `Cat ${at} of ${row}`, kind: 'cat', age: row / 7 })),
  ],
  'maps of dates': (at) => [
    { tenant: 'acme' },
    'cats',
    [at],
    new Map(Array.from({ length: 100 }, (_, row) => [`key ${row}`, new Date(at * row)])),
  ],
  'objects as tables': (at) => [
    { tenant: 'acme' },
    'cats',
    [at],
    Object.fromEntries(Array.from({ length: 300 }, (_, row) => [`${at} ${row}`, row])),
  ],
  buffers: (at) => [{ tenant: 'acme' }, 'cats', [at], Buffer.alloc(4_000, at)],
};

async function occupied() {
  for (let pass = 0; pass < 3; pass++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function machine(options) {
  return assemble({ ...DEFAULT_CORE_SETTINGS, backend: memory(options) }, systemClock, Math.random);
}

async function fill({ engine, keyFactory, scopes }, shape, entries) {
  for (let at = 0; at < entries; at++) {
    const [ids, namespace, parts, value, tagged] = shape(at);
    const space = keyFactory.space(scopes.of(ids), ids.user === undefined ? 'tenant' : 'user', namespace);
    const loader = () => value;
    await engine.getOrSet({ key: keyFactory.key(space, parts, tagged), policy: POLICY, loader, frame: undefined });
  }
}

/** Not entries, but what tenants have invalidated. */
async function invalidate({ backend, keyFactory, scopes }, tenants, labels) {
  for (let at = 0; at < tenants; at++) {
    const scope = scopes.of({ tenant: `tenant-${at}` });
    const all = Array.from({ length: labels }, (_, tag) => keyFactory.tagLabel(scope, 'tenant', `some tag ${tag}`));
    await backend.invalidate(keyFactory.space(scope, 'tenant', 'cats').partition, all);
  }
}

async function measure(name, steps, options) {
  const before = await occupied();
  const full = machine(options);
  await fill(full, SHAPES[name], steps);
  if (name === 'invalidated tags') await invalidate(full, steps, 500);
  const held = (await occupied()) - before;
  const { usedBytes: accounted, entries } = await full.engine.info();
  await full.close();
  return { name, held, accounted, entries };
}

// Code and classes are no cost of an entry.
const small = machine({});
for (const shape of Object.values(SHAPES)) await fill(small, shape, 50);
const results = [];
for (const [name, steps, options] of runs) results.push(await measure(name, steps, options ?? {}));
process.stdout.write(JSON.stringify(results));
await small.close();
