/** With hashed names and encrypted values, nothing that leaves the process tells what is inside. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { assemble, DEFAULT_BLUEPRINT } from '../../lib/assemble.js';
import { redis } from '../../lib/backends/redis.backend.js';
import { DEFAULT_POLICY } from '../../lib/core/policy.js';
import { randomPrefix, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

/** One word that must not be seen, in each place where users can put one. */
const CANARY = 'xanadu';
/** The namespace is code, and named in logs and events; on the server it is hashed like every name. */
const NAMESPACE = 'shangrila';
const SECRET = 'a secret of more than sixteen bytes, for tests';

describeWithRedis('C26: what an observer of the server, the log and the events sees', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  it('C28: with hashSecret and encryption holds no tenant, user, namespace, key, tag or value in clear', async () => {
    const seen: string[] = [];
    const watcher = new Redis(server.url);
    const monitor = await watcher.monitor();
    monitor.on('monitor', (_time: string, args: string[]) => seen.push(args.join(' ')));
    const told: string[] = [];
    const line = (text: string): number => told.push(text);
    const machine = assemble({
      ...DEFAULT_BLUEPRINT,
      prefix: randomPrefix(),
      backend: redis({ url: server.url, timeout: '2s', announce: true }),
      keys: { hashSecret: SECRET },
      codec: { encryption: { keys: [{ id: 'k1', secret: randomBytes(32) }] } },
      observers: [(event) => told.push(inspect(event, { depth: 9 }))],
      log: { log: line, warn: line, debug: line },
    });
    await machine.backend.open?.();
    await useEveryVerb(machine, (error) => told.push(inspect(error, { depth: 9 })));
    await machine.close();
    await until('the monitor has caught up', async () => {
      await watcher.echo('the end').catch(() => undefined);
      return seen.length > 10;
    });
    const dump = await contents(server);
    monitor.disconnect();
    watcher.disconnect();
    expect(seen.length).toBeGreaterThan(10);
    expect(told.length).toBeGreaterThan(10);
    for (const text of [...seen, ...told, ...dump]) expect(text).not.toContain(CANARY);
    for (const text of [...seen, ...dump]) expect(text).not.toContain(NAMESPACE);
  });
});

async function useEveryVerb(machine: ReturnType<typeof assemble>, onError: (error: unknown) => void): Promise<void> {
  const { mint, scopes, engine } = machine;
  const scope = scopes.of({ tenant: `${CANARY}-tenant`, user: `${CANARY}-user` });
  for (const width of ['tenant', 'user'] as const) {
    const space = mint.space(scope, width, NAMESPACE);
    const key = (name: string): ReturnType<typeof mint.key> =>
      mint.key(space, [`${CANARY}-${name}`, { [CANARY]: CANARY }], [`${CANARY}-tag`]);
    const policy = { ...DEFAULT_POLICY };
    const load = async (name: string, loader: () => unknown): Promise<unknown> =>
      engine.getOrSet({ key: key(name), policy, loader, frame: undefined });
    expect(await load('a', () => ({ text: `${CANARY}-value` }))).toEqual({ text: `${CANARY}-value` });
    expect(await load('a', () => 'not asked')).toEqual({ text: `${CANARY}-value` });
    await engine.writes.set(key('b'), `${CANARY}-value`.repeat(2_000), policy);
    await engine.writes.increment(key('c'), 2, policy);
    await engine.writes.increment(key('a'), 1, policy).catch(onError);
    await engine.writes.set(key('d'), () => CANARY, policy).catch(onError);
    await load('f', () => Promise.reject(new Error('not ours'))).catch(() => undefined);
    await engine.writes.invalidate(space, [mint.tagLabel(scope, width, `${CANARY}-tag`)]);
    await engine.writes.evict([key('a'), key('b')]);
    await engine.writes.clear(space, mint.view(scope, width, undefined));
    await load('last', () => `${CANARY}-value`);
  }
}

/** Every name and every byte on the server. */
async function contents({ url }: RedisProcess): Promise<string[]> {
  const client = new Redis(url);
  const names = await client.keys('*');
  const dumps = await Promise.all(names.map(async (name) => (await client.dumpBuffer(name))?.toString('latin1') ?? ''));
  client.disconnect();
  expect(names.length).toBeGreaterThan(1);
  return [...names, ...dumps];
}
