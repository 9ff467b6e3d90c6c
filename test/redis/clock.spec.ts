/** A51: a server whose clock jumps by an hour. What is valid does not depend on it; what is fresh follows it. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeWith } from '../support/describe-with.js';
import { Machines } from '../support/redis/machines.js';
import { pause, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

const SOURCE = fileURLToPath(new URL('../support/redis/clock-shim.c', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'scoped-cache-clock-'));

/** Undefined without a compiler. */
function shim(): string | undefined {
  const library = join(dir, 'clock-shim.so');
  try {
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE], { stdio: 'ignore' });
    return library;
  } catch {
    return undefined;
  }
}

const library = shim();
const missing =
  library === undefined ? 'no C compiler on the PATH: install one (apt-get install gcc libc6-dev)' : undefined;
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describeWithRedis('the clock of the server', () => {
  describeWith(missing, 'is wrong', () => {
    let server: RedisProcess;
    const machines = new Machines();
    const shimmed = (seconds: number) => ({ LD_PRELOAD: library ?? '', CLOCK_SHIM_SECONDS: String(seconds) });
    beforeAll(async () => {
      server = await RedisProcess.start({ config: { save: '3600 1' } });
    });
    afterAll(async () => {
      await machines.close();
      await server.stop();
    });

    it.each([3_600, -3_600])('A51: by %i seconds from the start: a ttl is a ttl', async (seconds) => {
      await server.restart({}, shimmed(seconds));
      const rig = await machines.ready({ url: server.url });
      const [now] = (await server.command('TIME')) as string[];
      expect(Math.abs(Number(now) - Date.now() / 1_000 - seconds)).toBeLessThan(60);
      await rig.set('short', 1, { ttl: '1s' });
      await rig.set('long', 1, { ttl: '10m' });
      expect([await rig.get('short'), await rig.get('long')]).toEqual([1, 1]);
      await pause(1_100);
      expect([await rig.get('short'), await rig.get('long')]).toEqual([undefined, 1]);
      await rig.machine.engine.writes.clearEverything(rig.space());
    });

    it.each([-3_600, 3_600])(
      'A51: jumping by %i seconds: what was invalidated stays so, and caching goes on',
      async (seconds) => {
        await server.restart({}, shimmed(0));
        const rig = await machines.ready({ url: server.url });
        await rig.set('cat', 'old', { tags: ['red'], ttl: '1d' });
        await rig.set('dog', 'old', { ttl: '1d' });
        await rig.invalidateTag('red');
        await server.command('SAVE');
        await server.restart({}, shimmed(seconds));
        await until('the server is used again', async () => {
          expect(await rig.get('cat')).toBeUndefined();
          return (await rig.get('dog')) === 'old';
        });
        await rig.set('cat', 'new', { tags: ['red'], ttl: '1d' });
        expect(await rig.get('cat')).toBe('new');
        await rig.invalidateTag('red');
        expect(await rig.get('cat')).toBeUndefined();
        let calls = 0;
        for (let round = 0; round < 5; round++) await rig.load('cow', () => ++calls, { tags: ['red'] });
        expect(calls).toBe(1);
        // Nor does an eviction set the clock of the shard back: what is loaded after it would be older than its tag.
        await rig.evict('cow');
        for (let round = 0; round < 5; round++) await rig.load('cow', () => ++calls, { tags: ['red'] });
        expect(calls).toBe(2);
        await rig.clear({ tenant: 'acme' });
        expect(await rig.get('dog')).toBeUndefined();
      },
    );
  });
});
