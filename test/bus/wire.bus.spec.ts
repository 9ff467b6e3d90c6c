import { describe, expect, it } from '@jest/globals';
import { wireBus } from '../../lib/bus/wire.bus.js';
import type { BusListener, BusMessage, Wire, WireEvents } from '../../lib/core/bus.js';
import { FakeClock } from '../../lib/testing/fake.clock.js';

const HEARTBEAT_MS = 1_000;

/** A wire to a server that passes on what is sent, as long as it is told to. */
class Loop implements Wire {
  events!: WireEvents;
  isPassing = true;
  reconnects = 0;
  isClosed = false;
  sent = 0;

  open(events: WireEvents): void {
    this.events = events;
  }

  async send(text: string): Promise<void> {
    this.sent++;
    if (this.isPassing) this.events.onText(text);
  }

  reconnect(): void {
    this.reconnects++;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

class Heard implements BusListener {
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

function scene() {
  const clock = new FakeClock();
  const loop = new Loop();
  const heard = new Heard();
  const emit = { isHeard: false, event: () => undefined };
  const bus = wireBus(loop, { clock, emit }, { heartbeatMs: HEARTBEAT_MS });
  bus.start(heard);
  const say = (sequence: number, { shard = 't.acme', life = 'one', kind = 'e|1' } = {}): void =>
    loop.events.onText(`1|${shard}|other|${kind}|${life}|${sequence}`);
  return { clock, loop, heard, bus, say };
}

describe('a bus over a wire', () => {
  it('tells nothing before it is up, and everything after', () => {
    const { loop, heard, say } = scene();
    say(1);
    loop.events.onUp();
    say(2);
    say(3);
    expect(heard.take()).toEqual(['up', 'gap t.acme', 't.acme evicted', 't.acme evicted']);
  });

  it('tells of a number left out, of one that comes again, and of each shard by itself', () => {
    const { loop, heard, say } = scene();
    loop.events.onUp();
    for (const shard of ['t.acme', 't.beta.0.2', 't.beta.1.2']) say(1, { shard });
    heard.take();
    say(2);
    say(2, { shard: 't.beta.0.2', kind: 'l|t:red' });
    say(2, { shard: 't.beta.1.2', kind: 'a|' });
    expect(heard.take()).toEqual(['t.acme evicted', 't.beta labels', 't.beta all']);
    say(4);
    say(4);
    say(3);
    expect(heard.take()).toEqual([
      'gap t.acme',
      't.acme evicted',
      'gap t.acme',
      't.acme evicted',
      'gap t.acme',
      't.acme evicted',
    ]);
  });

  it('numbers of another life do not follow, even where they fit', () => {
    const { loop, heard, say } = scene();
    loop.events.onUp();
    say(1);
    heard.take();
    say(2, { life: 'two' });
    say(3, { life: 'two' });
    expect(heard.take()).toEqual(['gap t.acme', 't.acme evicted', 't.acme evicted']);
  });

  it('a number from nowhere does not make the true ones inaudible', () => {
    const { loop, heard, say } = scene();
    loop.events.onUp();
    say(1);
    say(999_999_999);
    heard.take();
    say(2);
    say(4);
    expect(heard.take()).toEqual(['gap t.acme', 't.acme evicted', 'gap t.acme', 't.acme evicted']);
  });

  it('after a break nothing is known of what came before', () => {
    const { loop, heard, say } = scene();
    loop.events.onUp();
    say(1);
    loop.events.onDown();
    loop.events.onUp();
    say(2);
    expect(heard.take().slice(-4)).toEqual(['down', 'up', 'gap t.acme', 't.acme evicted']);
  });

  it('goes on as long as its signs of life come back, and is down after three that do not', async () => {
    const { clock, loop, heard } = scene();
    loop.events.onUp();
    await clock.advance(60 * HEARTBEAT_MS);
    expect(heard.take()).toEqual(['up']);
    expect(loop.sent).toBeGreaterThan(50);
    loop.isPassing = false;
    await clock.advance(3 * HEARTBEAT_MS);
    expect(heard.take()).toEqual([]);
    await clock.advance(2 * HEARTBEAT_MS);
    expect(heard.take()).toEqual(['down']);
    expect(loop.reconnects).toBe(1);
    // It is up to the wire to come back.
    await clock.advance(10 * HEARTBEAT_MS);
    expect(loop.reconnects).toBe(1);
    loop.isPassing = true;
    loop.events.onUp();
    expect(heard.take()).toEqual(['up']);
  });

  it('another’s sign of life is none of ours, and messages are none', async () => {
    const { clock, loop, heard, say } = scene();
    loop.events.onUp();
    loop.isPassing = false;
    heard.take();
    for (let n = 1; n <= 6; n++) {
      await clock.advance(HEARTBEAT_MS);
      loop.events.onText('h|another|');
      say(n);
    }
    expect(heard.take()).toContain('down');
  });

  it('in a flood it says whom it is about, once, and hears what comes after', async () => {
    const { clock, loop, heard, say } = scene();
    loop.events.onUp();
    say(1);
    await clock.breathe();
    heard.take();
    for (let n = 2; n <= 20_000; n++) say(n);
    const atOnce = heard.all.length;
    expect(atOnce).toBeLessThanOrEqual(1_001);
    await clock.breathe();
    await clock.breathe();
    expect(heard.take().slice(atOnce)).toEqual(['gap t.acme']);
    say(20_001);
    expect(heard.take()).toEqual(['gap t.acme', 't.acme evicted']);
    say(20_002);
    expect(heard.take()).toEqual(['t.acme evicted']);
  });

  it('a flood about very many partitions is about all of them', async () => {
    const { clock, loop, heard, say } = scene();
    loop.events.onUp();
    for (let n = 0; n < 20_000; n++) say(1, { shard: `t.t${n}` });
    await clock.breathe();
    await clock.breathe();
    expect(heard.take().at(-1)).toBe('gap everywhere');
  });

  it('closes its wire, and says nothing any more', async () => {
    const { clock, loop, heard, bus } = scene();
    loop.events.onUp();
    await bus.close();
    expect(loop.isClosed).toBe(true);
    const { sent } = loop;
    await clock.advance(10 * HEARTBEAT_MS);
    expect(loop.sent).toBe(sent);
    loop.events.onUp();
    expect(heard.take()).toEqual(['up']);
  });
});
