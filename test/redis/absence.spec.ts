/** A server that is not there, hangs, refuses or comes back: calls go on, in bounded time, and nothing old is served. */
import { expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { CacheError, InvalidationUnknownError } from '../../lib/core/errors.js';
import { Machines, timed } from '../support/redis/machines.js';
import { heldBytes } from '../support/held-bytes.js';
import { itConcurrent, ownOfEachTest } from '../support/own.js';
import { pause, RedisProcess, until, withClient } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

/** A deadline, and what a busy machine adds to it. */
const BOUND_MS = 250 + 350;

describeWithRedis('a server that is away', () => {
  const here = ownOfEachTest(() => new Machines());
  const start = async (...args: Parameters<typeof RedisProcess.start>): Promise<RedisProcess> => {
    const server = await RedisProcess.start(...args);
    here().ends.push(() => server.stop());
    return server;
  };
  const nowhere = async (): Promise<RedisProcess> => {
    const server = await RedisProcess.nowhere();
    here().ends.push(() => server.stop());
    return server;
  };

  itConcurrent(
    'A1: without a server at boot loaders run, an eviction is rejected, and the cache works once it is there',
    async () => {
      const server = await nowhere();
      const rig = here().machines.on({ url: server.url });
      const { answer, tookMs } = await timed(() => rig.load('cat', () => 'Tom'));
      expect(answer).toBe('Tom');
      expect(tookMs).toBeLessThan(BOUND_MS);
      await expect(rig.evict('cat')).rejects.toBeInstanceOf(InvalidationUnknownError);
      await until('it is said', () => rig.log.length > 0);
      await pause(1_200);
      expect(rig.log).toEqual([
        expect.stringMatching(/^The redis backend at 127\.0\.0\.1:\d+ does not answer \(ECONNREFUSED\)/),
      ]);

      await server.begin();
      let calls = 0;
      await until('the cache keeps what is loaded', async () => {
        const before = calls;
        await rig.load('dog', () => ++calls);
        return calls === before;
      });
    },
  );

  itConcurrent('A1: with requireOnBoot a start without a server is refused', async () => {
    const server = await nowhere();
    const rig = here().machines.on({ url: server.url, requireOnBoot: true, connectTimeout: '300ms' });
    const { tookMs } = await timed(() => expect(rig.backend.open?.()).rejects.toThrow('requireOnBoot'));
    expect(tookMs).toBeLessThan(1_500);
  });

  itConcurrent(
    'A1: with requireOnBoot a client of the application that has not tried to connect yet is asked to',
    async () => {
      const server = await nowhere();
      const client = new Redis(server.port, '127.0.0.1', { lazyConnect: true });
      const rig = here().machines.on({ client, requireOnBoot: true, connectTimeout: '300ms' });
      try {
        await expect(rig.backend.open?.()).rejects.toThrow('requireOnBoot: ECONNREFUSED');
      } finally {
        client.on('error', () => undefined);
        client.disconnect();
      }
    },
  );

  itConcurrent('A2: a server killed under load fails no read, and nothing from before comes back with it', async () => {
    const server = await start();
    const rig = await here().machines.ready({ url: server.url });
    let version = 1;
    let longestMs = 0;
    let isOver = false;
    let wrong = 0;
    const reader = async (name: string): Promise<void> => {
      while (!isOver) {
        const least = version;
        const { answer, tookMs } = await timed(() => rig.load(name, async () => version));
        if (answer < least) wrong++;
        longestMs = Math.max(longestMs, tookMs);
        await pause(1);
      }
    };
    const readers = Promise.all(Array.from({ length: 20 }, (_, index) => reader(`key ${index}`)));
    await pause(300);
    await server.kill();
    version = 2;
    // The old values are gone with the server; readers that began before may still get what they began with.
    await pause(700);
    await until('it is said', () =>
      rig.recorded.of('warning').some(({ message }) => message.includes('does not answer')),
    );
    await server.begin();
    await until('reads are served from the server again', async () => {
      await rig.load('probe', () => 1);
      return (await rig.get('probe')) === 1;
    });
    isOver = true;
    await readers;
    expect(wrong).toBe(0);
    expect(longestMs).toBeLessThan(BOUND_MS);
  });

  // By itself: what the process holds is measured.
  it('A4: a server that hangs costs one deadline, then nothing; late answers answer no other call', async () => {
    const server = await start();
    const rig = await here().machines.ready({ url: server.url });
    for (let index = 0; index < 50; index++) await rig.set(`k${index}`, `value of ${index}`);
    server.halt();
    const first = await timed(() => Promise.all(loads(rig, 50)));
    expect(first.answer).toEqual(Array.from({ length: 50 }, (_, index) => `loaded ${index}`));
    expect(first.tookMs).toBeLessThan(BOUND_MS);
    const before = heldBytes();
    for (let round = 0; round < 40; round++) {
      const { tookMs } = await timed(() => Promise.all(loads(rig, 50)));
      expect(tookMs).toBeLessThan(BOUND_MS);
      await pause(20);
    }
    expect(heldBytes() - before).toBeLessThan(40 * 1_048_576);
    server.resume();
    await until('the server is used again', async () => (await rig.get('k1')) === 'value of 1');
    for (let index = 0; index < 50; index++) expect(await rig.get(`k${index}`)).toBe(`value of ${index}`);
  });

  itConcurrent.each([
    ['DEBUG', 'SLEEP', 1.2],
    ['CLIENT', 'PAUSE', 1_200, 'ALL'],
  ])(
    'A5, A7: while the server sleeps (%s %s) calls are bounded, and answers stay with their questions',
    async (name, ...args) => {
      const server = await start();
      const rig = await here().machines.ready({ url: server.url });
      for (let index = 0; index < 20; index++) await rig.set(`k${index}`, `value of ${index}`);
      const asleep = server.command(String(name), ...args);
      await pause(30);
      const { tookMs } = await timed(() => Promise.all(loads(rig, 20)));
      expect(tookMs).toBeLessThan(BOUND_MS);
      await asleep;
      await until('the server is used again', async () => (await rig.get('k1')) !== undefined);
      for (let index = 0; index < 20; index++) expect(await rig.get(`k${index}`)).toBe(`value of ${index}`);
    },
  );

  itConcurrent(
    'A6: while writes are paused reads hit, an eviction is rejected as unknown, and a late write does nothing',
    async () => {
      const server = await start();
      const rig = await here().machines.ready({ url: server.url, failures: 100 });
      const reader = await here().machines.ready({ url: server.url });
      await rig.set('cat', 'old');
      await rig.set('dog', 'Rex');
      // Until it is ended: a busy machine may need longer for what follows than any pause that ends by itself.
      await server.command('CLIENT', 'PAUSE', 60_000, 'WRITE');
      await expect(rig.set('cat', 'late')).rejects.toBeInstanceOf(CacheError);
      // The server makes whatever comes after a paused write on the same connection wait as well.
      const { answer, tookMs } = await timed(() => rig.load('dog', () => 'Rex'));
      expect(answer).toBe('Rex');
      expect(tookMs).toBeLessThan(2 * BOUND_MS);
      await expect(rig.evict('cat')).rejects.toBeInstanceOf(InvalidationUnknownError);
      expect(await reader.get('dog')).toBe('Rex');
      await server.command('CLIENT', 'UNPAUSE');
      // G8: what was not confirmed is repeated when it can be, and the write that waited with it comes too late.
      await until('the eviction was made up for', async () => (await rig.get('cat')) === undefined);
      await pause(600);
      expect(await rig.get('cat')).toBeUndefined();
    },
  );

  itConcurrent(
    'A6: a write that its caller was told had failed does not happen later, however long its answer takes',
    async () => {
      const server = await start();
      const rig = await here().machines.ready({ url: server.url, failures: 100 });
      const reader = await here().machines.ready({ url: server.url });
      await rig.set('cat', 'old');
      const writes = async (): Promise<number> =>
        Number(/cmdstat_evalsha:calls=(\d+)/.exec(String(await server.command('INFO', 'commandstats')))?.[1]);
      const before = await writes();
      // Shorter than the silence after which the connection would be dropped, and the write with it.
      await server.command('CLIENT', 'PAUSE', 700, 'WRITE');
      await expect(rig.set('cat', 'late')).rejects.toBeInstanceOf(CacheError);
      expect(await reader.get('cat')).toBe('old');
      await until('the write has arrived', async () => (await writes()) > before);
      for (let round = 0; round < 10; round++) {
        expect(await reader.get('cat')).toBe('old');
        await pause(30);
      }
      await rig.set('cat', 'new');
      expect(await reader.get('cat')).toBe('new');
    },
  );

  itConcurrent('G8: an invalidation made while no server answered is made up for before any caller reads', async () => {
    const server = await start({ config: { save: '3600 1' } });
    const rig = await here().machines.ready({ url: server.url });
    const other = await here().machines.ready({ url: server.url });
    await rig.set('cat', 'old', { tags: ['red'] });
    await rig.set('dog', 'old');
    await server.command('SAVE');
    await server.kill();
    await expect(rig.evict('dog')).rejects.toBeInstanceOf(InvalidationUnknownError);
    await expect(rig.invalidateTag('red')).rejects.toBeInstanceOf(InvalidationUnknownError);
    await server.begin();
    const seen: unknown[] = [];
    await until('the server is used again', async () => {
      seen.push(await rig.get('cat'), await rig.get('dog'));
      await rig.load('probe', () => 1);
      return (await rig.get('probe')) === 1;
    });
    seen.push(await other.get('cat'), await other.get('dog'));
    expect(new Set(seen)).toEqual(new Set([undefined]));
  });

  itConcurrent(
    'A20: a replica that refuses to write is left alone; evictions are rejected until there is a master',
    async () => {
      const server = await start();
      const rig = await here().machines.ready({ url: server.url });
      await rig.set('cat', 'Tom');
      await server.command('REPLICAOF', '127.0.0.1', 1);
      await expect(rig.evict('cat')).rejects.toBeInstanceOf(InvalidationUnknownError);
      expect(await rig.load('dog', () => 'Rex')).toBe('Rex');
      await server.command('REPLICAOF', 'NO', 'ONE');
      await until('evictions succeed', async () => {
        try {
          await rig.evict('cat');
          return true;
        } catch {
          return false;
        }
      });
      expect(await rig.get('cat')).toBeUndefined();
    },
  );

  itConcurrent('A21: while the server loads its data calls are bounded, and afterwards it is used', async () => {
    const server = await start({ config: { save: '3600 1' } });
    const rig = await here().machines.ready({ url: server.url });
    await rig.set('cat', 'Tom');
    await server.command('DEBUG', 'POPULATE', 3_000, 'filler', 10);
    await server.command('SAVE');
    await server.kill();
    const beginning = server.begin({ 'key-load-delay': 500, 'loading-process-events-interval-bytes': 1_024 });
    for (let round = 0; round < 10; round++) {
      const { answer, tookMs } = await timed(() => rig.load('cat', () => 'loaded'));
      expect(['Tom', 'loaded']).toContain(answer);
      expect(tookMs).toBeLessThan(BOUND_MS);
      await pause(20);
    }
    await beginning;
    await until('the server is used again', async () => (await rig.get('cat')) !== undefined, 20_000);
  });

  itConcurrent('A22: a replica without its master, told not to serve, is as good as none', async () => {
    const server = await start({ config: { 'replica-serve-stale-data': 'no' } });
    const rig = await here().machines.ready({ url: server.url });
    await rig.set('cat', 'Tom');
    await server.command('REPLICAOF', '127.0.0.1', 1);
    const { answer, tookMs } = await timed(() => rig.load('cat', () => 'loaded'));
    expect(answer).toBe('loaded');
    expect(tookMs).toBeLessThan(BOUND_MS);
    await server.command('REPLICAOF', 'NO', 'ONE');
    await until('the server is used again', async () => (await rig.get('cat')) === 'Tom');
  });

  itConcurrent('A26: a server that takes no more clients is tried again later and later', async () => {
    const server = await start();
    await withClient(server.port, async (only) => {
      await only.config('SET', 'maxclients', 1);
      const rig = here().machines.on({ url: server.url });
      expect(await rig.load('cat', () => 'Tom')).toBe('Tom');
      await pause(2_000);
      const tries = Number(/total_connections_received:(\d+)/.exec(await only.info('stats'))?.[1]);
      expect(tries).toBeLessThan(20);
      await only.config('SET', 'maxclients', 1_000);
      await until('the server is used', async () => {
        await rig.load('dog', () => 'Rex');
        return (await rig.get('dog')) === 'Rex';
      });
    });
  });

  itConcurrent('A60: without a server the error of a loader reaches its caller as it is', async () => {
    const server = await nowhere();
    const rig = here().machines.on({ url: server.url });
    class DatabaseDown extends Error {}
    const error = new DatabaseDown('no database');
    await expect(rig.load('cat', () => Promise.reject(error))).rejects.toBe(error);
  });

  itConcurrent('A61: a server that comes and goes is asked by one call at a time while it is not known', async () => {
    const server = await start();
    const rig = await here().machines.ready({ url: server.url, timeout: '200ms', longTimeout: '1s', pause: '200ms' });
    for (let round = 0; round < 3; round++) {
      server.halt();
      await Promise.all(loads(rig, 30));
      const { tookMs } = await timed(() => Promise.all(loads(rig, 200)));
      expect(tookMs).toBeLessThan(1_000);
      server.resume();
      await until('the server is used again', async () => {
        await rig.load(`probe ${round}`, () => 1);
        return (await rig.get(`probe ${round}`)) === 1;
      });
    }
    const openings = rig.recorded.of('warning').filter(({ message }) => message.includes('does not answer'));
    expect(openings.length).toBeLessThanOrEqual(8);
  });
});

type Loading = { load(name: unknown, loader: () => unknown): Promise<unknown> };

function loads(rig: Loading, count: number): Promise<unknown>[] {
  return Array.from({ length: count }, (_, index) => rig.load(`k${index}`, () => `loaded ${index}`));
}
