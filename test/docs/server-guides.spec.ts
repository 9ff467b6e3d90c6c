/** The guides of servers say what the code says: every option, and for Redis the rights that the tests run under. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { ACL_BUS_RULES, ACL_CLUSTER_RULES, ACL_RULES } from '../fixtures/redis-acl.js';
import { ROOT } from './pages.js';

const REDIS = 'docs/guides/redis-in-production.md';
const MONGO = 'docs/guides/mongodb-in-production.md';
const guide = readFileSync(join(ROOT, REDIS), 'utf8');

it('the rights that the guide prints are those the contract runs under', () => {
  expect(guide).toContain(`ACL SETUSER app-cache on >secret ${ACL_RULES.replaceAll('PREFIX', 'cache')}\n`);
  expect(guide).toContain(`On a cluster add \`${ACL_CLUSTER_RULES}\``);
});

it.each(Object.values(ACL_BUS_RULES))('so are those of two levels: %s', (rules) => {
  const printed = `\`${rules.replaceAll('PREFIX', 'cache')}\``;
  expect(guide).toContain(printed);
  expect(readFileSync(join(ROOT, 'docs/guides/two-levels.md'), 'utf8')).toContain(printed);
});

it.each([
  [REDIS, 'lib/backends/redis/options.ts', 'RedisOptions'],
  [REDIS, 'lib/backends/resilience/options.ts', 'GuardOptions'],
  [MONGO, 'lib/backends/mongo/options.ts', 'MongoOptions'],
  [MONGO, 'lib/backends/resilience/options.ts', 'GuardOptions'],
])('%s has every option of %s', (page, path, name) => {
  const rows = readFileSync(join(ROOT, page), 'utf8').matchAll(/^\| (`[^|]+) \|/gm);
  const told = Array.from(rows, ([, first = '']) => first).join();
  const source = readFileSync(join(ROOT, path), 'utf8');
  const body = new RegExp(`export interface ${name}\\b[^{]*\\{\\n([^]*?)\\n\\}`).exec(source)?.[1] ?? '';
  const options = Array.from(body.matchAll(/^ {2}readonly (\w+)\??:/gm), ([, option = '']) => option);
  expect(options.length).toBeGreaterThan(5);
  expect(options.filter((option) => !told.includes(`\`${option}\``))).toEqual([]);
});
