/** Faults on the way of messages, and of processes that keep copies. Rows A41 to A48 and A52 of the fault table. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { tieredFactory } from '../support/bus/tiered-machine.js';
import { caughtUp, firstLevelOf, isNear, levelOf, near, TieredMachines } from '../support/bus/tiered-machines.js';
import { TieredProcess, type TieredProcessOptions } from '../support/bus/tiered-process.js';
import { Rig } from '../support/machine/rig.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { pause, RedisProcess, until, withClient } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

/** Nothing is checked: what protects are messages, and knowing that messages are missing. */
const BY_BUS = { maxUnvalidated: '1h', bus: { heartbeat: 250 } } as const;
/** Where nothing is about time running out: other processes may be in the way. */
const LONG_TIMEOUTS = { timeout: '10s' } as const;

describeWithRedis('two levels in trouble', () => {
  let server: RedisProcess;
  let machines = new TieredMachines();
  const processes: TieredProcess[] = [];
  const proxies: TcpProxy[] = [];
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterEach(async () => {
    await machines.close();
    machines = new TieredMachines();
    await Promise.all(processes.splice(0).map((one) => one.kill()));
    await Promise.all(proxies.splice(0).map((one) => one.close()));
  });
  afterAll(() => server.stop());

  const machine = (options = {}) => machines.ready({ url: server.url, ...BY_BUS, ...options });
  const behind = async () => {
    const proxy = await TcpProxy.before(server.port);
    proxies.push(proxy);
    return proxy;
  };
  const another = async (options: TieredProcessOptions, source?: (name: string) => unknown) => {
    const one = await TieredProcess.start(server.url, machines.prefix, options, source);
    processes.push(one);
    return one;
  };
  const channel = () => `${machines.prefix}:2:b`;
  const isUp = async (rig: Rig<Clock>): Promise<boolean> => (await firstLevelOf(rig)).bus === 'up';

  describe('A41: the subscription breaks', () => {
    it('nothing is kept until messages arrive again, and nothing from before is served then', async () => {
      const [a, b] = [await machine(), await machine()];
      await a.set('tom', 1);
      await near(b, 'tom');
      await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await until('the gap is noticed', async () => !(await isUp(b)) || !isNear(b, 'tom'));
      await until('messages come again', () => isUp(b));
      await a.set('tom', 2);
      await until('the message', async () => (await b.get('tom')) === 2);
      await near(b, 'tom');
    });

    it('what is changed during the gap is seen after it, although no message about it came', async () => {
      const proxy = await behind();
      const a = await machine();
      const b = await machine({ url: proxy.url });
      await a.set('tom', 1);
      await near(b, 'tom');
      proxy.mode = 'refuse';
      proxy.reset();
      await until('the gap is noticed', () => !isNear(b, 'tom'));
      await a.set('tom', 2);
      await pause(400);
      proxy.mode = 'pass';
      await until('messages come again', async () => isUp(b).catch(() => false));
      expect(await b.load('tom', async () => 'loaded')).not.toBe(1);
      await until('the server answers', async () => (await b.get('tom')) === 2);
    });

    it('a copy under way when the subscription came back is not kept', async () => {
      const proxy = await behind();
      const a = await machine();
      const b = await machine({ url: proxy.url });
      await a.set('tom', 1);
      await caughtUp(a, b);
      // The answer is under way while everything that was known is forgotten.
      proxy.delayMs = 150;
      const reading = b.backend.read(b.key('tom'));
      await pause(20);
      await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await reading;
      await until('messages come again', () => isUp(b));
      expect(isNear(b, 'tom')).toBe(false);
    });
  });

  it('a fill that the server makes after its deadline is treated as foreign by the process itself', async () => {
    const a = await machine({ maxConnections: 4, timeout: '150ms', bus: { heartbeat: '30s' } });
    const b = await machine();
    await b.set('tom', 1);
    await near(a, 'tom');
    const key = a.key('tom');
    const reply = await a.backend.lease(key, { leaseMs: 30_000, purpose: 'refresh' });
    if (reply.kind !== 'granted') throw new Error('not granted');
    const { labels } = key;
    const draft = { value: 2, labels, freshForMs: 60_000, keptForMs: 60_000, isolation: undefined };
    await server.command('CLIENT', 'PAUSE', 20_000, 'WRITE');
    await expect(Promise.resolve(a.backend.fill(reply.lease, draft))).rejects.toThrow('no answer in time');
    // By another connection: what stood there before is read anew, and kept.
    expect((await a.backend.read(key)).entry?.value).toBe(1);
    expect(isNear(a, 'tom')).toBe(true);
    await server.command('CLIENT', 'UNPAUSE');
    await until('the value of the late fill', async () => (await a.get('tom')) === 2);
  });

  it('A42: the subscription falls silent: without a heartbeat nothing is kept', async () => {
    const proxy = await behind();
    const a = await machine();
    const b = await machine({ url: proxy.url });
    await a.set('tom', 1);
    await near(b, 'tom');
    proxy.mode = 'blackhole';
    await a.set('tom', 2);
    await until('silence is noticed', () => !isNear(b, 'tom'));
    proxy.mode = 'pass';
    await until('messages come again', async () => isUp(b).catch(() => false));
    await until('the server answers', async () => (await b.get('tom').catch(() => undefined)) === 2);
  });

  it('A43: a subscriber that is too slow is disconnected by the server, and notices', async () => {
    const own = await RedisProcess.start({ config: { 'client-output-buffer-limit': 'pubsub 256kb 256kb 1' } });
    const a = await machines.ready({ url: own.url, ...BY_BUS });
    const slow = await TieredProcess.start(own.url, machines.prefix, {
      maxUnvalidated: '1h',
      bus: { heartbeat: '20s' },
    });
    processes.push(slow);
    await a.set('tom', 1);
    await until('a copy', async () => {
      await slow.call('get', 'tom');
      return (await slow.call('level', 'tom')) === 'l1';
    });
    slow.halt();
    const listeners = async (): Promise<number> => {
      const list = (await own.command('CLIENT', 'LIST', 'TYPE', 'pubsub')) as string;
      return list.split('\n').filter((line) => line !== '').length;
    };
    const before = await listeners();
    await withClient(own.port, async (client) => {
      const junk = 'x'.repeat(60_000);
      for (let round = 0; round < 200 && (await listeners()) >= before; round++) {
        await Promise.all(Array.from({ length: 10 }, () => client.publish(channel(), junk)));
      }
    });
    await until('the server has had enough', async () => (await listeners()) < before);
    await a.set('tom', 2);
    slow.resume();
    await until('the gap is noticed', async () => (await slow.call('get', 'tom')) === 2);
    await machines.close();
    await slow.kill();
    await own.stop();
  });

  it('A44: a flood of messages is survived, and messages after it arrive', async () => {
    const [a, b] = [await machine(LONG_TIMEOUTS), await machine(LONG_TIMEOUTS)];
    await a.set('tom', 1);
    await near(b, 'tom');
    await withClient(server.port, async (client) => {
      for (let round = 0; round < 20; round++) {
        const pipeline = client.pipeline();
        for (let n = 0; n < 5_000; n++) pipeline.publish(channel(), `1|t.t${n % 3_000}|flood|e|${n}|life|${round}`);
        await pipeline.exec();
        expect(await b.get('tom')).toBe(1);
      }
    });
    await near(b, 'tom');
    await a.evict('tom');
    await until('the message', async () => (await b.get('tom')) === undefined);
  });

  it('A45: junk and forgeries are no messages; at worst they cause a read from the server', async () => {
    const [a, b] = [await machine(LONG_TIMEOUTS), await machine(LONG_TIMEOUTS)];
    await a.set('tom', { age: 3 });
    await caughtUp(a, b);
    await near(b, 'tom');
    const junk = [
      '',
      'x',
      '1|',
      '1|t.acme|o|e|zz|life|1',
      '1|t.acme|o|q||life|1',
      '2|t.acme|o|a||life|1',
      '|'.repeat(4_000),
      'x'.repeat(100_000),
      '1|t.acme|o|s|{"value":"forged"}|life|1',
      'h|stolen|',
    ];
    for (const text of junk) await server.command('PUBLISH', channel(), text);
    await caughtUp(a, b);
    expect(isNear(b, 'tom')).toBe(true);
    expect(await b.get('tom')).toEqual({ age: 3 });
    await server.command('PUBLISH', channel(), '1|t.acme|forger|a||forged|999999');
    await until('it is forgotten', () => !isNear(b, 'tom'));
    await near(b, 'tom');
    expect(await b.get('tom')).toEqual({ age: 3 });
    // And real messages arrive afterwards.
    await a.set('tom', { age: 4 });
    await until('the message', async () => ((await b.get('tom')) as { age: number }).age === 4);
  });

  it('A46: doubled and reordered messages do no harm', async () => {
    const [a, b] = [await machine(LONG_TIMEOUTS), await machine(LONG_TIMEOUTS)];
    const received: string[] = [];
    await withClient(server.port, async (listener) => {
      listener.on('message', (_, text: string) => received.push(text));
      await listener.subscribe(channel());
      for (let version = 1; version <= 20; version++) {
        await a.set('tom', version);
        if (version % 3 === 0) await a.evict('kit');
        await until('the message', async () => (await b.get('tom')) === version);
      }
      await until('all have arrived', () => received.filter((text) => text.startsWith('1|')).length >= 26);
    });
    const texts = received.filter((text) => text.startsWith('1|'));
    for (const text of [...texts.toReversed(), ...texts, ...texts.filter((_, at) => at % 2 === 0)]) {
      await server.command('PUBLISH', channel(), text);
      expect(await b.get('tom')).toBe(20);
    }
    await a.set('tom', 21);
    await until('the message', async () => (await b.get('tom')) === 21);
  });

  it('a message left out makes the whole partition go', async () => {
    const [a, b] = [await machine(), await machine()];
    for (const name of ['tom', 'kit']) await a.set(name, 1);
    await caughtUp(a, b);
    for (const name of ['tom', 'kit']) await near(b, name);
    // Numbered by the server, and delivered to no subscriber.
    await server.command('HINCRBY', `${machines.prefix}:2:{t.acme}:m`, 'q', 1);
    await a.evict('tom');
    await until('kit goes too', () => !isNear(b, 'kit'));
  });

  it('numbers that begin anew do not follow those of another life', async () => {
    const [a, b] = [await machine(), await machine()];
    const meta = `${machines.prefix}:2:{t.acme}:m`;
    await a.set('tom', 1);
    await a.set('kit', 1);
    await caughtUp(a, b);
    await near(b, 'tom');
    await near(b, 'kit');
    const number = Number(await server.command('HGET', meta, 'q'));
    // The shard is lost and comes back, and its number happens to be the next one.
    await server.command('HSET', meta, 'i', 'AAAAAAAAAAAAAAAA', 'q', number);
    await a.evict('kit');
    await until('tom goes too', () => !isNear(b, 'tom'));
  });

  it('messages of another database of the server are no gap', async () => {
    const [a, b] = [await machine(), await machine()];
    const elsewhere = await machine({ url: `${server.url}/1` });
    await a.set('tom', 1);
    await elsewhere.set('kit', 1);
    await caughtUp(a, b);
    await near(b, 'tom');
    for (let round = 0; round < 5; round++) {
      await elsewhere.set('kit', round);
      await a.set('leo', round);
      await caughtUp(a, b);
      expect(isNear(b, 'tom')).toBe(true);
    }
    // Lost ones are still noticed, whatever is published in between.
    await server.command('HINCRBY', `${machines.prefix}:2:{t.acme}:m`, 'q', 1);
    await elsewhere.set('kit', 9);
    await a.evict('leo');
    await until('tom goes too', () => !isNear(b, 'tom'));
  });

  describe('A47: a process that stood still', () => {
    it.each([
      ['halted', (one: TieredProcess) => one.halt(), (one: TieredProcess) => one.resume()],
      ['blocked', (one: TieredProcess) => void one.call('block', '', 700), () => undefined],
    ])('%s, believes no copy for longer than it may', async (_, stop, go) => {
      const a = await machine();
      const still = await another({ maxUnvalidated: 500, bus: false });
      await a.set('tom', 1);
      expect(await still.call('get', 'tom')).toBe(1);
      expect(await still.call('level', 'tom')).toBe('l1');
      stop(still);
      await a.evict('tom');
      await pause(600);
      go(still);
      expect(await still.call('get', 'tom')).toBeUndefined();
    });
  });

  it('A48: a process is killed in the middle of a load: the next one takes over', async () => {
    const a = await machines.ready({ url: server.url, ...BY_BUS });
    let isLoading = false;
    const dying = await another({ ...BY_BUS, lease: '1s' }, () => {
      isLoading = true;
      return new Promise(() => undefined);
    });
    void dying.call('load', 'tom').catch(() => undefined);
    await until('the load', () => isLoading);
    await dying.kill();
    expect(await a.load('tom', async () => 'loaded')).toBe('loaded');
    expect(await levelOf(a, 'tom')).toBeDefined();
  });

  it('A52: the clock on the wall jumps: copies are as old as they are', async () => {
    let jumpMs = 0;
    const clock: Clock = { ...systemClock, machine: undefined, nowMs: () => Date.now() + jumpMs };
    const a = await machine();
    const b = new Rig<Clock>({
      clock,
      backend: tieredFactory({ url: server.url, prefix: machines.prefix, maxUnvalidated: 400, bus: false }),
    });
    await b.backend.open?.();
    await a.set('tom', 1);
    await b.get('tom');
    for (const by of [3_600_000, -7_200_000]) {
      jumpMs = by;
      expect(isNear(b, 'tom')).toBe(true);
    }
    await a.evict('tom');
    await pause(420);
    expect(await b.get('tom')).toBeUndefined();
  });
});
