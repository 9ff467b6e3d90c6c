/** Where most reads miss, the lease is asked for at once: what it saves, and what must not come of it. */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import type { Clock } from '../../lib/core/clock.js';
import type { BackendError } from '../../lib/core/errors.js';
import { TieredMachines } from '../support/bus/tiered-machines.js';
import { type Options, type Rig, Source } from '../support/machine/rig.js';
import { Machines } from '../support/redis/machines.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { watchUnhandled } from '../support/unhandled.js';

jest.setTimeout(60_000);
watchUnhandled();

/** More misses than half of what is remembered. */
const ENOUGH = 13;

describeWithRedis('where most reads miss', () => {
  let server: RedisProcess;
  let machines = new Machines();
  const tiered = new TieredMachines();
  let made = 0;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterEach(async () => {
    await machines.close();
    machines = new Machines();
  });
  afterAll(async () => {
    await tiered.close();
    await server.stop();
  });

  const ready = (): Promise<Rig<Clock>> => machines.ready({ url: server.url, timeout: '5s' });

  async function miss(rig: Rig<Clock>, times = ENOUGH, options: Options = {}): Promise<void> {
    for (let time = 0; time < times; time++) {
      const name = `miss ${made++}`;
      expect(await rig.load(name, () => name, options)).toBe(name);
    }
  }

  /** Reads and scripts that the server was sent. */
  async function asked(work: () => Promise<unknown>): Promise<{ readonly reads: number; readonly scripts: number }> {
    await server.command('CONFIG', 'RESETSTAT');
    await work();
    const stats = String(await server.command('INFO', 'commandstats'));
    const calls = (name: string): number => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    return { reads: calls('mget'), scripts: calls('evalsha') };
  }

  it('a miss is two scripts and no read, and a hit one script, until most reads hit again', async () => {
    const rig = await ready();
    await miss(rig, ENOUGH - 1);
    expect(await asked(() => miss(rig, 1))).toEqual({ reads: 1, scripts: 2 });
    expect(await asked(() => miss(rig, 10))).toEqual({ reads: 0, scripts: 20 });
    await rig.set('cat', 'Tom');
    const hit = async (): Promise<void> => expect(await rig.load('cat', () => 'loaded')).toBe('Tom');
    expect(await asked(hit)).toEqual({ reads: 0, scripts: 1 });
    for (let time = 0; time < 24; time++) await hit();
    expect(await asked(hit)).toEqual({ reads: 1, scripts: 0 });
    expect(rig.space().stats.hits).toBe(26);
    expect(rig.space().stats.misses).toBe(ENOUGH + 10);
  });

  it('a thousand callers of one turn ask once, and load once', async () => {
    const rig = await ready();
    await miss(rig);
    let loads = 0;
    const storm = () =>
      Promise.all(Array.from({ length: 1_000 }, () => rig.load('cold', async () => ({ load: ++loads }))));
    const answers: unknown[] = [];
    expect(await asked(async () => answers.push(...(await storm())))).toEqual({ reads: 0, scripts: 2 });
    expect(loads).toBe(1);
    expect(answers).toEqual(answers.map(() => ({ load: 1 })));
    // Each has one of its own.
    expect(new Set(answers).size).toBe(1_000);
    const again = await asked(async () => answers.push(...(await storm())));
    expect(again.scripts + again.reads).toBeLessThanOrEqual(2);
    expect(new Set(answers).size).toBe(2_000);
  });

  it('a caller of a later turn asks for itself, as an invalidation may lie between', async () => {
    const rig = await ready();
    await miss(rig);
    const first = rig.load('cat', () => 'old', { tags: ['red'] });
    await rig.invalidateTag('red');
    const second = rig.load('cat', () => 'new', { tags: ['red'] });
    expect(await first).toBe('old');
    expect(await second).toBe('new');
    expect(await rig.get('cat')).toBe('new');
  });

  it('an answer is that of its own turn: what has gone since is loaded', async () => {
    const rig = await ready();
    await miss(rig, 2 * ENOUGH);
    await rig.set('dog', 'old');
    expect(await rig.load('dog', () => 'loaded')).toBe('old');
    await rig.evict('dog');
    expect(await rig.load('dog', () => 'new')).toBe('new');
  });

  it('what is invalid is loaded again', async () => {
    const rig = await ready();
    await rig.load('cat', () => 'old', { tags: ['red'] });
    await miss(rig);
    await rig.invalidateTag('red');
    expect(await rig.load('cat', () => 'new', { tags: ['red'] })).toBe('new');
    expect(await rig.load('cat', () => 'newer', { tags: ['red'] })).toBe('new');
  });

  it.each([
    ['staleWhileRevalidate', { staleWhileRevalidate: '1h' }],
    ['staleIfError', { staleIfError: '1h' }],
    ['earlyRefresh', { earlyRefresh: true }],
  ] as const)('not for what may be served past its ttl or reloaded early: %s', async (_, options) => {
    const rig = await ready();
    await miss(rig, ENOUGH, options);
    expect(await asked(() => miss(rig, 3, options))).toEqual({ reads: 3, scripts: 6 });
  });

  it('not inside a load, and not for another namespace', async () => {
    const rig = await ready();
    await miss(rig);
    expect(await asked(() => miss(rig, 2, { namespace: 'dogs' }))).toEqual({ reads: 2, scripts: 4 });
    const nested = () => rig.load('outer', () => rig.load('inner', () => 1));
    expect(await asked(nested)).toEqual({ reads: 1, scripts: 4 });
  });

  it('not beyond maxFlights, and not once the cache is closed', async () => {
    const rig = await machines.ready({ url: server.url, timeout: '5s' }, { maxFlights: 1 });
    await miss(rig);
    const source = new Source<string>();
    const first = rig.load('cat', source.load);
    await until('it loads', () => source.calls.length === 1);
    expect(await rig.load('dog', () => 'Rex')).toBe('Rex');
    source.answer(0, 'Tom');
    await first;
    await rig.machine.close();
    expect(await rig.load('cow', () => 'Mu')).toBe('Mu');
    const reasons = rig.recorded.of('bypass').map(({ reason }) => reason);
    expect(reasons).toEqual(['too-many-flights', 'backend']);
    expect(rig.recorded.of('error').map(({ operation }) => operation)).toEqual(['read']);
  });

  it('not through two levels: a copy answers, however many miss', async () => {
    const rig = await tiered.ready({ url: server.url, bus: false });
    await rig.set('cat', 'Tom');
    await miss(rig);
    expect(await asked(async () => expect(await rig.load('cat', () => '')).toBe('Tom'))).toEqual({
      reads: 0,
      scripts: 0,
    });
  });

  it('A101: out of memory, what is there is read all the same', async () => {
    const rig = await ready();
    await rig.set('cat', 'Tom');
    await miss(rig);
    const used = /used_memory:(\d+)/.exec(String(await server.command('INFO', 'memory')))?.[1];
    await server.command('CONFIG', 'SET', 'maxmemory', Number(used) - 100_000);
    try {
      let loads = 0;
      const load = () => rig.load('cat', () => `loaded ${++loads}`);
      expect(await Promise.all([load(), load()])).toEqual(['Tom', 'Tom']);
      expect(await load()).toBe('Tom');
      expect(loads).toBe(0);
      expect(rig.recorded.of('error')).toEqual([]);
    } finally {
      await server.command('CONFIG', 'SET', 'maxmemory', 0);
    }
  });

  it('A101: a user who may not run scripts reads what is there', async () => {
    const writer = await ready();
    await writer.set('cat', 'Tom');
    await server.command('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '&*', '+@all', '-evalsha', '-eval');
    const url = `redis://reader:secret@127.0.0.1:${server.port}`;
    const rig = await machines.ready({ url, timeout: '5s' });
    await miss(rig);
    expect(rig.space().stats.missBalance).toBeGreaterThan(0);
    expect(await rig.load('cat', () => 'loaded')).toBe('Tom');
    await server.command('ACL', 'DELUSER', 'reader');
  });

  it('A101: while writes are paused a call waits for one deadline, as every miss does, and reads again afterwards', async () => {
    const rig = await machines.ready({ url: server.url, timeout: '300ms', failures: 1 });
    await rig.set('cat', 'Tom');
    await miss(rig);
    await server.command('CLIENT', 'PAUSE', '20000', 'WRITE');
    try {
      expect(await rig.load('cat', () => 'loaded')).toBe('loaded');
      // A read behind it would have found the circuit open.
      const reasons = rig.recorded.of('error').map(({ error }) => (error as BackendError).why);
      expect(reasons).toEqual(['no answer in time']);
    } finally {
      await server.command('CLIENT', 'UNPAUSE');
    }
    await until('the circuit is closed', async () => (await rig.get('cat')) === 'Tom');
    expect(await asked(async () => expect(await rig.load('cat', () => 'again')).toBe('Tom'))).toEqual({
      reads: 1,
      scripts: 0,
    });
  });
});
