/** A network that fails in every way: bounded calls, no foreign value, no old one. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { InvalidationUnknownError } from '../../lib/core/errors.js';
import type { Clock } from '../../lib/core/clock.js';
import type { Rig } from '../support/machine/rig.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { Machines, timed } from '../support/redis/machines.js';
import { enough, pause, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { soaking } from '../support/soak.js';

jest.setTimeout(60_000);

const BOUND_MS = 250 + 350;

describeWithRedis('a network that fails', () => {
  let server: RedisProcess;
  let proxy: TcpProxy;
  let machines: Machines;
  let rig: Rig<Clock>;
  let sound: Rig<Clock>;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    proxy = await TcpProxy.before(server.port);
    machines = new Machines();
    rig = await machines.ready({ url: proxy.url });
    sound = await machines.ready({ url: server.url });
  });
  afterEach(async () => {
    await machines.close();
    await proxy.close();
  });

  const recovered = (): Promise<number> =>
    until('the server is used again', async () => {
      await rig.load('probe', () => 1);
      return (await rig.get('probe')) === 1;
    });
  const fillMany = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) await rig.set(`k${index}`, `value of ${index}`);
  };
  /** Each answer is what belongs under its key, or what its own loader gave. */
  const readMany = (count: number): Promise<void> =>
    Promise.all(
      Array.from({ length: count }, async (_, index) => {
        expect(await rig.load(`k${index}`, () => `value of ${index}`)).toBe(`value of ${index}`);
      }),
    ).then(() => undefined);

  it('A8: a reset in the middle of answers costs a miss, never a wrong value', async () => {
    await fillMany(50);
    for (let round = 0; round < 15; round++) {
      const reading = readMany(50);
      await pause(Math.random() * 3);
      proxy.reset();
      await reading;
    }
    await recovered();
    await readMany(50);
  });

  it('A9: when answers are lost, what was done is done once: nothing comes back, nothing is stored late', async () => {
    await rig.set('cat', 'old');
    // The server knows the scripts: otherwise its answer that it does not is lost.
    await rig.load('warm', () => 1);
    await rig.evict('warm');
    proxy.mode = 'dropReplies';
    await expect(rig.evict('cat')).rejects.toBeInstanceOf(InvalidationUnknownError);
    expect(await sound.get('cat')).toBeUndefined();
    await sound.set('cat', 'new');
    proxy.reset();
    proxy.mode = 'pass';
    await recovered();
    // The eviction is repeated, which removes more than was asked for and never less.
    expect(['new', undefined]).toContain(await rig.get('cat'));
  });

  it('A9: a lease that was granted and never heard of keeps others waiting for a moment only', async () => {
    await rig.load('warm', () => 1);
    proxy.mode = 'dropReplies';
    const request = { leaseMs: 60_000, purpose: 'missing' } as const;
    await expect(rig.backend.lease(rig.key('dog'), request)).rejects.toThrow();
    expect((await sound.backend.lease(sound.key('dog'), request)).kind).toBe('held');
    proxy.reset();
    proxy.mode = 'pass';
    await until('the lease is free', async () => {
      return (await sound.backend.lease(sound.key('dog'), request)).kind === 'granted';
    });
  });

  it.each(['blackhole', 'dropRequests'] as const)(
    'A10, A11: a connection through which nothing comes (%s) is dropped, and calls are bounded',
    async (mode) => {
      await fillMany(20);
      proxy.mode = mode;
      const before = proxy.connections;
      const { tookMs } = await timed(() => readMany(20));
      expect(tookMs).toBeLessThan(BOUND_MS);
      await until('the connection is dropped', () => proxy.connections > before, 5_000);
      await expect(rig.backend.ping()).rejects.toThrow();
      proxy.mode = 'pass';
      await recovered();
      await readMany(20);
    },
  );

  it('A12: latency below the deadline opens no circuit', async () => {
    const patient = await machines.ready({ url: proxy.url, timeout: '10s' });
    proxy.delayMs = 300;
    proxy.jitterMs = 30;
    await Promise.all(Array.from({ length: 20 }, (_, index) => patient.load(`slow ${index}`, () => index)));
    expect(await patient.get('slow 7')).toBe(7);
    expect(patient.recorded.of('warning')).toEqual([]);
  });

  it('A13: a value too large for the line holds its caller up for one deadline at most', async () => {
    const large = Array.from({ length: 60_000 }, () => Math.random());
    proxy.bytesPerSecond = 10_000;
    const { answer, tookMs } = await timed(() => rig.load('large', () => large));
    expect(answer).toBe(large);
    // Read, lease, fill, and giving the lease back may each take their deadline.
    expect(tookMs).toBeLessThan(4 * 250 + 800);
    proxy.bytesPerSecond = 0;
    proxy.reset();
    await recovered();
    expect(await rig.get('large')).toBeUndefined();
  });

  it('A14: a command cut off in the middle harms its own connection only', async () => {
    await rig.set('cat', 'Tom');
    for (const bytes of [1, 9, 40, 100, 333]) {
      proxy.cutAfterBytes(bytes);
      await rig.set('cat', `Tom ${bytes}`).catch(() => undefined);
      await recovered();
      const there = (await rig.get('cat')) as string | undefined;
      expect(['Tom', undefined]).toContain(there?.split(' ')[0]);
      expect(await sound.load('other', () => 1)).toBe(1);
    }
  });

  it.each([
    ['an answer of the wrong type', '+OK\r\n'],
    ['a number', ':42\r\n'],
    ['nothing at all', '$-1\r\n'],
    ['an empty list', '*0\r\n'],
    ['a list of another length', '*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n'],
    ['rubbish', '\x00\x01rubbish\r\n'],
  ])('A15: %s between the answers is never a value, and ends the connection', async (_, bytes) => {
    await fillMany(10);
    const before = proxy.connections;
    // Something has to be due: an answer that no call waits for is an error of the driver's own.
    const { bytesUp } = proxy;
    proxy.delayMs = 200;
    const reading = readMany(10);
    await until('it has been asked', () => proxy.bytesUp > bytesUp);
    proxy.inject(bytes);
    await reading;
    proxy.delayMs = 0;
    await recovered();
    await readMany(10);
    expect(proxy.connections).toBeGreaterThan(before);
  });

  it('A16: when each answer belongs to the question before, no caller is served what is not theirs, and it ends', async () => {
    await fillMany(40);
    for (let round = 0; round < 10; round++) {
      const before = proxy.connections;
      const shifts = proxy.shifts;
      proxy.mode = 'shift';
      for (let index = 0; index < 40; index++) {
        expect(await rig.load(`k${index}`, () => `value of ${index}`)).toBe(`value of ${index}`);
        const found = await rig.get(`k${(index * 7) % 40}`);
        expect([undefined, `value of ${(index * 7) % 40}`]).toContain(found);
      }
      expect(proxy.shifts).toBe(shifts + 1);
      await recovered();
      expect(proxy.connections).toBeGreaterThan(before);
    }
    const told = rig.recorded.of('warning').filter(({ message }) => message.includes('wrong order'));
    expect(told.length).toBeGreaterThan(0);
  });

  it('A16: counts and evictions do not believe the answers of others either', async () => {
    for (let round = 0; round < 10; round++) {
      await recovered();
      const key = sound.key(`n${round}`);
      const draft = { labels: key.labels, freshForMs: 60_000, keptForMs: 60_000, isolation: undefined };
      await sound.backend.increment(key, 1_000, draft);
      await rig.set(`cat${round}`, 'old');
      proxy.mode = 'shift';
      const [count, evicted] = await Promise.allSettled([
        Promise.resolve(rig.backend.increment(rig.key(`n${round}`), 1, draft)),
        rig.evict(`cat${round}`),
      ]);
      if (count.status === 'fulfilled') expect(count.value).toBeGreaterThan(1_000);
      if (evicted.status === 'fulfilled') expect(await sound.get(`cat${round}`)).toBeUndefined();
    }
  });

  it('A16: a connection out of step is dropped once, however many calls find it so', async () => {
    const client = new Redis(proxy.url);
    try {
      const adopted = await machines.ready({ client });
      const drop = jest.spyOn(client, 'disconnect');
      await adopted.set('cat', 'Tom');
      const count = (_: unknown, index: number): unknown => {
        const key = adopted.key(`n${index}`);
        const draft = { labels: key.labels, freshForMs: 60_000, keptForMs: 60_000, isolation: undefined };
        return adopted.backend.increment(key, 1, draft);
      };
      await count(undefined, 0);
      proxy.mode = 'shift';
      await Promise.allSettled(Array.from({ length: 50 }, count));
      expect(proxy.shifts).toBe(1);
      await until('the server is used again', async () => (await adopted.get('cat').catch(() => 0)) === 'Tom');
      expect(drop).toHaveBeenCalledTimes(1);
    } finally {
      client.disconnect();
    }
  });

  it('A16: a value that stands under a foreign key is told as an identity mismatch and not served', async () => {
    await rig.set('mine', 'secret of mine', { tenant: 'acme' });
    const [mine, theirs] = [rig.key('mine', { tenant: 'acme' }), rig.key('mine', { tenant: 'acme' })];
    expect(mine.id).toBe(theirs.id);
    const other = rig.key('theirs', { tenant: 'acme' });
    const lead = `${machines.prefix}:2:{${mine.space.partition}}:e:`;
    await server.command('COPY', `${lead}${mine.id}`, `${lead}${other.id}`);
    expect(await rig.get('theirs', { tenant: 'acme' })).toBeUndefined();
    expect(rig.recorded.of('identity-mismatch')).toHaveLength(1);
    const count = rig.key('count');
    const draft = { labels: count.labels, freshForMs: 60_000, keptForMs: 60_000, isolation: undefined };
    await rig.backend.increment(count, 7, draft);
    await server.command('COPY', `${lead}${count.id}`, `${lead}${rig.key('copied').id}`);
    expect(await rig.get('copied')).toBeUndefined();
    expect(rig.recorded.of('identity-mismatch')).toHaveLength(2);
    // It was stored so, and the connection is as good as before.
    expect(proxy.connections).toBe(1);
  });

  it('C12: with resets and shifted answers all the time, every value is that of the tenant who asked', async () => {
    const trouble = setInterval(() => {
      if (Math.random() < 0.5) proxy.reset();
      else proxy.mode = 'shift';
    }, 60);
    let served = 0;
    let foreign = 0;
    const isOver = enough(soaking(2_500, 1_500), () => served > 200 && proxy.connections > 2);
    const worker = async (at: number): Promise<void> => {
      for (let n = 0; !isOver(); n++) {
        const tenant = `tenant ${(at * 31 + n * 7) % 40}`;
        const user = `user ${n % 3}`;
        const k = n % 5;
        const own = { t: tenant, u: user, k };
        const value = (await rig.load(k, async () => own, { tenant, user })) as typeof own;
        served++;
        if (value.t !== tenant || value.u !== user || value.k !== k) foreign++;
        if (n % 11 === 0) await rig.evict(k, { tenant, user }).catch(() => undefined);
        if (n % 5 === 0) await pause(0);
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, at) => worker(at)));
    clearInterval(trouble);
    expect(foreign).toBe(0);
    expect(served).toBeGreaterThan(200);
    expect(proxy.connections).toBeGreaterThan(2);
  });
});
