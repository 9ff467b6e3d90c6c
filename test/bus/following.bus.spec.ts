import { describe, expect, it } from '@jest/globals';
import { wireBus } from '../../lib/bus/wire.bus.js';
import type { BusListener, BusMessage, FollowingEvents, FollowingWire, Line } from '../../lib/core/bus.js';
import type { Partition } from '../../lib/core/keys/partition.js';
import { FakeClock } from '../../lib/testing/fake.clock.js';

const HEARTBEAT_MS = 1_000;

/** A wire that follows partitions, and acknowledges them when the test does. */
class Follower implements FollowingWire {
  readonly most = 3;
  readonly followed: string[] = [];
  events!: FollowingEvents;
  isClosed = false;

  open(events: FollowingEvents): void {
    this.events = events;
  }

  follow(partition: Partition): void {
    this.followed.push(partition);
  }

  unfollow(partition: Partition): void {
    this.followed.splice(this.followed.indexOf(partition), 1);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  line(): Line & { isPassing: boolean; sent: number; drops: number } {
    const { events } = this;
    return {
      isPassing: true,
      sent: 0,
      drops: 0,
      async send(text) {
        this.sent++;
        if (this.isPassing) events.onText(text, this);
      },
      drop() {
        this.drops++;
        events.onLineDown(this);
      },
    };
  }
}

function scene() {
  const clock = new FakeClock();
  const wire = new Follower();
  const all: string[] = [];
  const listener: BusListener = {
    onMessage: ({ partition, change }: BusMessage) => all.push(`${partition} ${change.kind}`),
    onGap: (partition) => all.push(`gap ${partition ?? 'everywhere'}`),
    onUp: () => all.push('up'),
    onDown: () => all.push('down'),
    onNone: () => all.push('none'),
  };
  const bus = wireBus(wire, { clock, emit: { isHeard: false, event: () => undefined } }, { heartbeatMs: HEARTBEAT_MS });
  bus.start(listener);
  const hears = (partition: string): boolean | undefined => bus.hears?.(partition as Partition);
  const follow = (partition: string): void => {
    hears(partition);
    wire.events.onFollowed(partition as Partition);
  };
  return { clock, wire, bus, hears, follow, take: () => all.splice(0) };
}

describe('a bus over a wire that follows partitions', () => {
  it('follows the global partition from the start, and others from when they are requested', () => {
    const { wire, hears, follow, take } = scene();
    expect(wire.followed).toEqual(['g']);
    expect(hears('t.acme')).toBe(false);
    expect(hears('t.acme')).toBe(false);
    expect(wire.followed).toEqual(['g', 't.acme']);
    expect(take()).toEqual([]);
    follow('t.acme');
    // A read sent before may return a value from before.
    expect(take()).toEqual(['gap t.acme', 'up']);
    expect([hears('t.acme'), hears('g')]).toEqual([true, false]);
  });

  it('reports what is lost, and is down when no partition is followed any more', () => {
    const { wire, hears, follow, take } = scene();
    for (const partition of ['g', 't.acme']) follow(partition);
    take();
    for (const partition of ['g', 't.beta']) wire.events.onLost(partition as Partition);
    expect(take()).toEqual(['gap g']);
    wire.events.onLost('t.acme' as Partition);
    expect(take()).toEqual(['gap t.acme', 'down']);
    expect(hears('t.acme')).toBe(false);
    follow('t.acme');
    expect(take()).toEqual(['gap t.acme', 'up']);
    // Still wanted, and still followed once.
    expect(wire.followed).toEqual(['g', 't.acme']);
  });

  it('lets go the one unasked for longest when there are too many', () => {
    const { wire, hears, follow, take } = scene();
    for (const partition of ['g', 't.a', 't.b']) follow(partition);
    hears('g');
    take();
    follow('t.c');
    expect(take()).toEqual(['gap t.a', 'gap t.c']);
    expect(wire.followed).toEqual(['g', 't.b', 't.c']);
    // One whose messages do not arrive goes as well.
    hears('t.d');
    hears('t.e');
    hears('t.f');
    expect(take()).toEqual(['gap t.b', 'gap g', 'gap t.c', 'down']);
    expect(wire.followed).toEqual(['t.d', 't.e', 't.f']);
    wire.events.onFollowed('g' as Partition);
    expect(take()).toEqual([]);
  });

  it('reads messages as any bus does', () => {
    const { wire, follow, take } = scene();
    follow('t.acme');
    take();
    const line = wire.line();
    wire.events.onLineUp(line);
    for (const number of [1, 2, 4]) wire.events.onText(`1|t.acme|other|e|1|life|${number}`, line);
    expect(take()).toEqual(['gap t.acme', 't.acme evicted', 't.acme evicted', 'gap t.acme', 't.acme evicted']);
  });

  it('each line has heartbeats of its own, and is dropped after three that do not come back', async () => {
    const { clock, wire, take } = scene();
    const [one, two] = [wire.line(), wire.line()];
    for (const line of [one, two]) wire.events.onLineUp(line);
    await clock.advance(30 * HEARTBEAT_MS);
    expect([one.drops, two.drops]).toEqual([0, 0]);
    two.isPassing = false;
    await clock.advance(3 * HEARTBEAT_MS);
    expect(two.drops).toBe(0);
    await clock.advance(2 * HEARTBEAT_MS);
    expect([one.drops, two.drops]).toEqual([0, 1]);
    const { sent } = two;
    await clock.advance(10 * HEARTBEAT_MS);
    expect([two.sent, two.drops]).toEqual([sent, 1]);
    expect(one.sent).toBeGreaterThan(40);
    // Signs are no messages.
    expect(take()).toEqual([]);
  });

  it('does nothing any more when it is closed', async () => {
    const { clock, wire, bus, hears, follow, take } = scene();
    follow('t.acme');
    const line = wire.line();
    wire.events.onLineUp(line);
    take();
    await bus.close();
    const { sent } = line;
    await clock.advance(10 * HEARTBEAT_MS);
    wire.events.onLost('t.acme' as Partition);
    expect(hears('t.beta')).toBe(false);
    expect([wire.isClosed, line.sent, take(), wire.followed]).toEqual([true, sent, [], ['g', 't.acme']]);
  });
});
