/** The table of bounds in the guide to Redis: each row has a number, and names tests that are there. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { resolveRedisOptions } from '../../lib/backends/redis/options.js';
import { idsOfNames, sourceOf } from './ids.js';
import { ROOT } from './pages.js';

/** A path, and behind it the ids or the words of the names of its tests. */
const HELD_BY = /`(test\/[\w./-]+\.spec\.ts)` (?:\(([GABC]\d+(?:, [GABC]\d+)*)\)|“([^”]+)”)/g;
/** An option, and behind it its default. */
const DEFAULT = /`(\w+)` \((\d+) ?(ms|s|)\)/g;

const section = /\n## Bounds\n([^]*?)\n## /.exec(sourceOf('docs/guides/redis-in-production.md'))?.[1] ?? '';
const rows = section
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(2)
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, what = '', bound = '', held = '']) => ({ what, bound, held }));

/** Why it holds nothing; undefined: it does. */
function faultOf(path: string, ids: string | undefined, words: string | undefined): string | undefined {
  if (!existsSync(join(ROOT, path))) return `no ${path}`;
  const source = sourceOf(path);
  const named = idsOfNames(source);
  const missing = ids === undefined ? [] : ids.split(', ').filter((id) => !named.has(id));
  if (missing.length > 0) return `${path} has no test of ${missing.join(', ')}`;
  return words === undefined || source.includes(words) ? undefined : `${path} has no “${words}”`;
}

it('each bound is a number, held by tests that are there', () => {
  expect(rows.length).toBeGreaterThan(15);
  const wrong = rows.flatMap(({ what, bound, held }) => {
    const tests = [...held.matchAll(HELD_BY)];
    // Every path is one that could be read.
    const isRead = tests.length > 0 && tests.length === held.split('.spec.ts').length - 1;
    const faults = tests.map(([, path = '', ids, words]) => faultOf(path, ids, words));
    if (!isRead) faults.push(`held by ${held}`);
    if (!/\d/.test(bound)) faults.push(`no number: ${bound}`);
    return faults.filter((fault) => fault !== undefined).map((fault) => `${what}: ${fault}`);
  });
  expect(wrong).toEqual([]);
});

it('defaults are those of the code', () => {
  const { guard, ...rest } = resolveRedisOptions({});
  const inCode = new Map<string, unknown>(
    Object.entries({ ...rest, ...guard, invalidationTimeoutMs: guard.invalidationMs }),
  );
  const said = rows.flatMap(({ bound }) => [...bound.matchAll(DEFAULT)]);
  expect(said.length).toBeGreaterThan(6);
  for (const [, option = '', number = '', unit = ''] of said) {
    const value = unit === '' ? inCode.get(option) : inCode.get(`${option}Ms`);
    expect([option, value]).toEqual([option, Number(number) * (unit === 's' ? 1_000 : 1)]);
  }
});
