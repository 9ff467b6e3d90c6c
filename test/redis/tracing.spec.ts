/** What ioredis itself shows of its commands: to listeners of its diagnostics channels, and to code that prints a command. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { tracingChannel } from 'node:diagnostics_channel';
import { format, inspect } from 'node:util';
import { DEFAULT_CORE_SETTINGS } from '../../lib/assemble.js';
import { assemble } from '../support/machine/assemble.js';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import { redacted } from '../../lib/backends/redis/connection/redacted-bytes.js';
import { useEveryVerb, CANARY } from '../support/machine/canary-word.js';
import { randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

it('a value that is sent is bytes to the socket, and its length to all code that makes a text of it', () => {
  const bytes = Buffer.from('Tom');
  const value = redacted(bytes);
  expect(value instanceof Buffer && Buffer.isBuffer(value)).toBe(true);
  expect(Buffer.concat([value]).toString()).toBe('Tom');
  const shown = [
    String(value),
    ['SET', value].join(' '),
    JSON.stringify([value]),
    inspect({ value }),
    format('%o', [value]),
  ];
  for (const text of shown) {
    expect(text).toContain('[3 bytes]');
    expect(text).not.toMatch(/Tom|54 6f 6d|84,\s*111/);
  }
  expect(bytes.toString()).toBe('Tom');
});

describeWithRedis('the channel that ioredis tells its commands by', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  it.each([
    ['6', Redis],
    ['5', Redis5 as unknown as typeof Redis],
  ])('carries no value, with a client of version %s of the application', async (_, Client) => {
    const told: string[] = [];
    const start = ({ args, command }: { readonly args: unknown; readonly command: string }): void => {
      told.push(inspect([command, args], { maxArrayLength: null, maxStringLength: null, depth: 9 }));
    };
    const channel = tracingChannel<unknown, { args: unknown; command: string }>('ioredis:command');
    channel.start.subscribe(start as never);
    const client = new Client(server.url);
    const machine = assemble({
      ...DEFAULT_CORE_SETTINGS,
      prefix: randomPrefix(),
      backend: redis({ client, timeout: '5s' }),
    });
    await machine.backend.open?.();
    await useEveryVerb(machine, () => undefined);
    await machine.close();
    client.disconnect();
    channel.start.unsubscribe(start as never);
    expect(told.filter((text) => /evalsha/i.test(text)).length).toBeGreaterThan(5);
    expect(told.filter((text) => text.includes(`${CANARY}-value`))).toEqual([]);
  });
});
