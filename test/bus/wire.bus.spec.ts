import { describe, expect, it } from '@jest/globals';
import { localBus } from '../../lib/bus/local.bus.js';
import { wireBus } from '../../lib/bus/wire.bus.js';
import type { BusListener, BusMessage, Wire, WireEvents } from '../../lib/core/bus.js';
import type { Clock } from '../../lib/core/clock.js';
import type { CacheEvent } from '../../lib/core/observer.js';
import type { Partition } from '../../lib/core/keys/partition.js';
import { FakeClock } from '../../lib/testing/fake.clock.js';

const HEARTBEAT_MS = 1_000;

/** A wire to a server that passes on what is sent, until the test stops it. */
class Loop implements Wire {
  events!: WireEvents;
  isPassing = true;
  reconnects = 0;
  isClosed = false;
  sent = 0;

  open(events: WireEvents): void {
    this.events = events;
  }

  /** Undefined: what is sent arrives, if anything does. */
  trouble: 'fails' | 'hangs' | 'throws' | undefined;

  send(text: string): Promise<void> {
    this.sent++;
    if (this.trouble === 'throws') throw new TypeError('at once');
    return this.pass(text);
  }

  private async pass(text: string): Promise<void> {
    if (this.trouble === 'fails') throw new Error('not connected');
    if (this.trouble === 'hangs') await new Promise(() => undefined);
    if (this.isPassing) this.events.onText(text);
  }

  reconnect(): void {
    this.reconnects++;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

class Received implements BusListener {
  readonly all: string[] = [];

  onMessage({ partition, change }: BusMessage): void {
    this.all.push(`${partition} ${change.kind}`);
  }

  onGap(partition: string | undefined): void {
    this.all.push(`gap ${partition ?? 'everywhere'}`);
  }

  onUp(): void {
    this.all.push('up');
  }

  onDown(): void {
    this.all.push('down');
  }

  onNone(): void {
    this.all.push('none');
  }

  take(): string[] {
    return this.all.splice(0);
  }
}

function scene(origin?: string) {
  const clock = new FakeClock();
  const loop = new Loop();
  const received = new Received();
  const warnings: string[] = [];
  const emit = {
    isHeard: true,
    event: (event: CacheEvent) => void (event.type === 'warning' && warnings.push(event.message)),
  };
  const bus = wireBus(loop, { clock, emit }, { heartbeatMs: HEARTBEAT_MS, origin });
  bus.start(received);
  const say = (sequence: number, { shard = 't.acme', life = 'one', kind = 'e|1' } = {}): void =>
    loop.events.onText(`1|${shard}|other|${kind}|${life}|${sequence}`);
  return { clock, loop, received, bus, say, warnings };
}

describe('a bus over a wire', () => {
  it('delivers nothing before it is up, and everything after', () => {
    const { loop, received, say } = scene();
    say(1);
    loop.events.onUp();
    say(2);
    say(3);
    expect(received.take()).toEqual(['up', 'gap t.acme', 't.acme evicted', 't.acme evicted']);
  });

  it('reports a number left out, one that comes again, and each shard by itself', () => {
    const { loop, received, say } = scene();
    loop.events.onUp();
    for (const shard of ['t.acme', 't.beta.0.2', 't.beta.1.2']) say(1, { shard });
    received.take();
    say(2);
    say(2, { shard: 't.beta.0.2', kind: 'l|t:red' });
    say(2, { shard: 't.beta.1.2', kind: 'a|' });
    expect(received.take()).toEqual(['t.acme evicted', 't.beta labels', 't.beta all']);
    say(4);
    say(4);
    say(3);
    expect(received.take()).toEqual([
      'gap t.acme',
      't.acme evicted',
      'gap t.acme',
      't.acme evicted',
      'gap t.acme',
      't.acme evicted',
    ]);
  });

  it('numbers of another life do not follow, even where they fit', () => {
    const { loop, received, say } = scene();
    loop.events.onUp();
    say(1);
    received.take();
    say(2, { life: 'two' });
    say(3, { life: 'two' });
    expect(received.take()).toEqual(['gap t.acme', 't.acme evicted', 't.acme evicted']);
  });

  it('a number from nowhere does not make the true ones inaudible', () => {
    const { loop, received, say } = scene();
    loop.events.onUp();
    say(1);
    say(999_999_999);
    received.take();
    say(2);
    say(4);
    expect(received.take()).toEqual(['gap t.acme', 't.acme evicted', 'gap t.acme', 't.acme evicted']);
  });

  it('after a break nothing is known of what came before', () => {
    const { loop, received, say } = scene();
    loop.events.onUp();
    say(1);
    loop.events.onDown();
    loop.events.onUp();
    say(2);
    expect(received.take().slice(-4)).toEqual(['down', 'up', 'gap t.acme', 't.acme evicted']);
  });

  it('goes on as long as its heartbeats come back, and is down after three that do not', async () => {
    const { clock, loop, received } = scene();
    loop.events.onUp();
    await clock.advance(60 * HEARTBEAT_MS);
    expect(received.take()).toEqual(['up']);
    expect(loop.sent).toBeGreaterThan(50);
    loop.isPassing = false;
    await clock.advance(3 * HEARTBEAT_MS);
    expect(received.take()).toEqual([]);
    await clock.advance(2 * HEARTBEAT_MS);
    expect(received.take()).toEqual(['down']);
    expect(loop.reconnects).toBe(1);
    // It is up to the wire to come back.
    await clock.advance(10 * HEARTBEAT_MS);
    expect(loop.reconnects).toBe(1);
    loop.isPassing = true;
    loop.events.onUp();
    expect(received.take()).toEqual(['up']);
  });

  it('another’s heartbeat is none of ours, and messages are none', async () => {
    const { clock, loop, received, say } = scene();
    loop.events.onUp();
    loop.isPassing = false;
    received.take();
    for (let n = 1; n <= 6; n++) {
      await clock.advance(HEARTBEAT_MS);
      loop.events.onText('h|another|');
      say(n);
    }
    expect(received.take()).toContain('down');
  });

  it('in a flood it reports the partitions, once, and delivers what comes after', async () => {
    const { clock, loop, received, say } = scene();
    loop.events.onUp();
    say(1);
    await clock.breathe();
    received.take();
    for (let n = 2; n <= 20_000; n++) say(n);
    const atOnce = received.all.length;
    expect(atOnce).toBeLessThanOrEqual(1_001);
    await clock.breathe();
    await clock.breathe();
    expect(received.take().slice(atOnce)).toEqual(['gap t.acme']);
    say(20_001);
    expect(received.take()).toEqual(['gap t.acme', 't.acme evicted']);
    say(20_002);
    expect(received.take()).toEqual(['t.acme evicted']);
  });

  it('few messages that name very many keys are a flood, too', async () => {
    const { clock, loop, received, say } = scene();
    loop.events.onUp();
    say(1);
    await clock.breathe();
    await clock.breathe();
    received.take();
    const kind = `e|${Array.from({ length: 500 }, (_, at) => (0xabcd00 + at).toString(16)).join(',')}`;
    for (let n = 2; n <= 700; n++) say(n, { kind });
    expect(received.all.length).toBeGreaterThan(200);
    expect(received.all.length).toBeLessThan(400);
    await clock.breathe();
    await clock.breathe();
    expect(received.take().at(-1)).toBe('gap t.acme');
  });

  it('a flood about very many partitions is about all of them', async () => {
    const { clock, loop, received, say } = scene();
    loop.events.onUp();
    for (let n = 0; n < 20_000; n++) say(1, { shard: `t.t${n}` });
    await clock.breathe();
    await clock.breathe();
    expect(received.take().at(-1)).toBe('gap everywhere');
  });

  it('closes its wire, and reports nothing any more', async () => {
    const { clock, loop, received, bus } = scene();
    loop.events.onUp();
    await bus.close();
    expect(loop.isClosed).toBe(true);
    const { sent } = loop;
    await clock.advance(10 * HEARTBEAT_MS);
    expect(loop.sent).toBe(sent);
    loop.events.onUp();
    expect(received.take()).toEqual(['up']);
  });

  it('parsed messages of a wire that loses none need no numbers, and are as bounded as others', async () => {
    const { clock, loop, received } = scene();
    const parsed = (n: number): BusMessage => ({
      partition: `t.t${n}` as Partition,
      origin: '',
      change: { kind: 'evicted', keys: [1] },
    });
    loop.events.onNews(parsed(0));
    loop.events.onUp();
    loop.events.onNews(parsed(1));
    loop.events.onNews(parsed(1));
    expect(received.take()).toEqual(['up', 't.t1 evicted', 't.t1 evicted']);
    await clock.breathe();
    for (let n = 0; n < 1_010; n++) loop.events.onNews(parsed(n));
    await clock.breathe();
    await clock.breathe();
    expect(received.take().slice(1_000)).toEqual(Array.from({ length: 10 }, (_, n) => `gap t.t${n + 1_000}`));
  });

  it('reports when there are no messages by design, sends nothing then, and is up if that changes', async () => {
    const { clock, loop, received } = scene();
    loop.events.onNone();
    await clock.advance(10 * HEARTBEAT_MS);
    expect(received.take()).toEqual(['none']);
    expect(loop.sent).toBe(0);
    loop.events.onUp();
    loop.events.onNone();
    expect(received.take()).toEqual(['up', 'down', 'none']);
  });

  it('that there are still no messages by design is reported once', () => {
    const { loop, received } = scene();
    for (const event of ['onNone', 'onNone', 'onDown', 'onNone'] as const) loop.events[event]();
    expect(received.take()).toEqual(['none']);
  });
});

describe('a bus on which each process publishes its own changes', () => {
  const EVICTED = { kind: 'evicted', keys: [1] } as const;
  const ACME = 't.acme' as Partition;

  it('reaches the others, with numbers that continue over all partitions', async () => {
    const { loop, received, bus } = scene('me');
    loop.events.onUp();
    await bus.announce?.(ACME, EVICTED);
    await bus.announce?.('g' as Partition, { kind: 'all' });
    await bus.announce?.(ACME, { kind: 'labelled', prints: [7] });
    await bus.announce?.(undefined, { kind: 'all' });
    expect(received.take()).toEqual(['up', 't.acme evicted', 'g all', 't.acme labelled', 'gap everywhere']);
    expect(bus.unannounced).toBe(0);
  });

  it('what a sender left out may have been about any partition; its first message leaves nothing out', () => {
    const { loop, received, say } = scene('me');
    loop.events.onUp();
    say(1);
    say(2, { shard: 't.beta' });
    expect(received.take()).toEqual(['up', 't.acme evicted', 't.beta evicted']);
    say(4);
    expect(received.take()).toEqual(['gap everywhere', 't.acme evicted']);
    say(1, { life: 'two' });
    say(7, { life: 'three' });
    expect(received.take()).toEqual(['t.acme evicted', 'gap everywhere', 't.acme evicted']);
  });

  it('in a flood senders are followed, so that it is about those whom it is about', async () => {
    const { clock, loop, received, say } = scene('me');
    loop.events.onUp();
    for (let n = 1; n <= 5_000; n++) say(n);
    await clock.breathe();
    await clock.breathe();
    expect(received.take().slice(1_001)).toEqual(['gap t.acme']);
    say(5_001);
    expect(received.take()).toEqual(['t.acme evicted']);
    for (let n = 5_002; n <= 7_000; n++) say(n === 6_500 ? 1_000_000 : n);
    await clock.breathe();
    await clock.breathe();
    expect(received.take().at(-1)).toBe('gap everywhere');
  });

  it.each(['fails', 'hangs'] as const)(
    'when sending %s, it neither fails nor waits for long, says so once, and says it again later',
    async (trouble) => {
      const { clock, loop, received, bus, warnings } = scene('me');
      loop.events.onUp();
      received.take();
      loop.trouble = trouble;
      for (let n = 0; n < 3; n++) {
        const announced = bus.announce?.(ACME, EVICTED);
        await clock.advance(300);
        await announced;
      }
      expect(bus.unannounced).toBe(3);
      expect(warnings).toHaveLength(1);
      loop.trouble = undefined;
      await clock.advance(HEARTBEAT_MS);
      // A message that was left out may have been about any partition; it was about this one.
      expect(received.take()).toEqual(['gap everywhere', 't.acme all']);
      await clock.advance(HEARTBEAT_MS);
      expect(received.take()).toEqual([]);
    },
  );

  it.each(['fails', 'throws'] as const)('when sending %s, what cannot be resent is counted once', async (trouble) => {
    const { clock, loop, bus } = scene('me');
    loop.events.onUp();
    loop.trouble = trouble;
    await bus.announce?.(ACME, EVICTED);
    await bus.announce?.(undefined, EVICTED);
    const { sent } = loop;
    // It is tried again with each heartbeat. The third that does not come back ends them.
    await clock.advance(3 * HEARTBEAT_MS);
    expect(loop.sent - sent).toBeGreaterThan(4);
    expect(bus.unannounced).toBe(2);
  });

  it('unsent changes of very many partitions become one of all partitions', async () => {
    const { clock, loop, received, bus } = scene('me');
    loop.events.onUp();
    loop.trouble = 'fails';
    for (let n = 0; n < 1_200; n++) await bus.announce?.(`t.t${n}` as Partition, EVICTED);
    received.take();
    loop.trouble = undefined;
    const { sent } = loop;
    await clock.advance(HEARTBEAT_MS);
    expect(loop.sent - sent).toBeLessThan(4);
    expect(received.take()).toEqual(['gap everywhere', 'gap everywhere']);
  });

  it('while the bus is down no call waits', async () => {
    const { loop, bus } = scene('me');
    loop.trouble = 'hangs';
    await bus.announce?.(ACME, EVICTED);
    expect(loop.sent).toBe(1);
  });
});

describe('a bus within the process', () => {
  it('reaches all that share a keyspace at once, and none that has left', async () => {
    const parts = { clock: new FakeClock(), emit: { isHeard: false, event: () => undefined }, random: Math.random };
    const local = localBus();
    const make = (prefix: string, origin: string) => {
      const received = new Received();
      const bus = wireBus(local.wire({ ...parts, prefix }), parts, { heartbeatMs: HEARTBEAT_MS, origin });
      bus.start(received);
      return { received, bus };
    };
    const [a, b, other] = [make('one', 'a'), make('one', 'b'), make('two', 'c')];
    await a.bus.announce?.('t.acme' as Partition, { kind: 'all' });
    for (const { received } of [a, b]) expect(received.take()).toEqual(['up', 't.acme all']);
    await b.bus.close();
    await a.bus.announce?.('t.acme' as Partition, { kind: 'all' });
    expect(b.received.take()).toEqual([]);
    expect(other.received.take()).toEqual(['up']);
    // A process that stood still for a while does not know how long, and forgets.
    await parts.clock.advance(30 * HEARTBEAT_MS);
    expect(a.received.take()).toEqual(['t.acme all']);
  });
});

describe('A106: a process that stands still', () => {
  /** Time that passes for the process while none of its timers can fire. */
  const still = () => {
    const fake = new FakeClock();
    const state = { stoodMs: 0 };
    const clock: Clock = {
      nowMs: () => fake.nowMs(),
      monotonicMs: () => fake.monotonicMs() + state.stoodMs,
      after: (delayMs, callback) => fake.after(delayMs, callback),
      sleep: (delayMs) => fake.sleep(delayMs),
      breathe: () => fake.breathe(),
    };
    const [loop, received] = [new Loop(), new Received()];
    const parts = { clock, emit: { isHeard: true, event: () => undefined }, random: Math.random };
    wireBus(loop, parts, { heartbeatMs: HEARTBEAT_MS, origin: undefined }).start(received);
    loop.events.onUp();
    const standStill = async (forMs: number): Promise<void> => {
      state.stoodMs += forMs;
      await fake.advance(HEARTBEAT_MS);
    };
    return { fake, loop, received, standStill };
  };

  it('for longer than three heartbeats has missed none, and keeps its connection', async () => {
    const { fake, loop, received, standStill } = still();
    await fake.advance(5 * HEARTBEAT_MS);
    await standStill(30 * HEARTBEAT_MS);
    await fake.advance(5 * HEARTBEAT_MS);
    await standStill(3 * HEARTBEAT_MS);
    await fake.advance(5 * HEARTBEAT_MS);
    expect([loop.reconnects, received.all]).toEqual([0, ['up']]);
  });

  it('notices an interval or two later that its connection died meanwhile', async () => {
    const { fake, loop, standStill } = still();
    await fake.advance(5 * HEARTBEAT_MS);
    loop.isPassing = false;
    await standStill(30 * HEARTBEAT_MS);
    expect(loop.reconnects).toBe(0);
    await fake.advance(2 * HEARTBEAT_MS);
    expect(loop.reconnects).toBe(1);
  });

  it('again and again notices it as well', async () => {
    const { fake, loop, standStill } = still();
    await fake.advance(5 * HEARTBEAT_MS);
    loop.isPassing = false;
    for (let round = 0; round < 3; round++) await standStill(5 * HEARTBEAT_MS);
    expect(loop.reconnects).toBe(1);
  });
});
