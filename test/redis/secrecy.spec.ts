/** With hashed names and encrypted values, nothing that leaves the process tells what is inside. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { inspect } from 'node:util';
import { DEFAULT_CORE_SETTINGS } from '../../lib/assemble.js';
import { assemble } from '../support/machine/assemble.js';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import { CANARY, NAMESPACE, SECRETIVE, useEveryVerb } from '../support/machine/canary-word.js';
import { randomPrefix, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

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
      ...DEFAULT_CORE_SETTINGS,
      prefix: randomPrefix(),
      backend: redis({ url: server.url, timeout: '2s', announce: true }),
      ...SECRETIVE,
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

/** Every name and every byte on the server. */
async function contents({ url }: RedisProcess): Promise<string[]> {
  const client = new Redis(url);
  const names = await client.keys('*');
  const dumps = await Promise.all(names.map(async (name) => (await client.dumpBuffer(name))?.toString('latin1') ?? ''));
  client.disconnect();
  expect(names.length).toBeGreaterThan(1);
  return [...names, ...dumps];
}
