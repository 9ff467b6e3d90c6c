/**
 * A bus over a wire that servers or processes speak into: tells the listener what changed, and whenever it may have
 * missed something. A sign of life goes round by the way the messages come; when none comes back, the wire is taken for dead (guarantee G5).
 */
import { randomBytes } from 'node:crypto';
import { EVERYBODY, MAX_MESSAGE_LENGTH, parseMessage, partitionOf } from '../core/bus-message.js';
import type { Bus, BusListener, BusMessage, BusParts, BusSettings, Change, Wire } from '../core/bus.js';
import type { Partition } from '../core/space.js';
import { Sequences, type Tail } from './sequences.js';
import { Speaker } from './speaker.js';

/** Signs of life that may be missing in a row. */
const PATIENCE = 3;
/** Messages of one turn that are looked at one by one; of the rest only whom they are about. */
const MAX_PER_TURN = 1_000;
/** Partitions that a flood may be about before it is about all of them. */
const MAX_FLOODED = 1_000;
const SHARD = /^1\|(\*|(?:g|t\.[^.|]{1,768})(?:\.\d{1,3}\.\d{1,3})?)\|/;
const TAIL = /^([\w-]{0,32})\|(\d{1,16})$/;

export function wireBus(wire: Wire, parts: BusParts, settings: BusSettings): Bus {
  return new WireBus(wire, parts, settings);
}

class WireBus implements Bus {
  private readonly sequences: Sequences;
  /** Undefined: the server says what changes. */
  private readonly speaker: Speaker | undefined;
  /** What our signs of life begin with; nobody else knows it. */
  private readonly name = `h|${randomBytes(9).toString('base64url')}|`;
  private readonly flooded = new Set<Partition>();
  private isAllFlooded = false;
  private listener: BusListener | undefined;
  private isUp = false;
  private isClosed = false;
  private heardAtMs = 0;
  private inThisTurn = 0;
  private cancelBeat: (() => void) | undefined;

  constructor(
    private readonly wire: Wire,
    private readonly parts: BusParts,
    private readonly settings: BusSettings,
  ) {
    const { origin } = settings;
    this.sequences = new Sequences(origin === undefined ? 'shard' : 'sender');
    this.speaker = origin === undefined ? undefined : new Speaker(wire, parts, origin);
  }

  get unannounced(): number {
    return this.speaker?.failures ?? 0;
  }

  start(listener: BusListener): void {
    this.listener = listener;
    this.wire.open({
      onUp: () => this.up(),
      onDown: () => this.down(),
      onText: (text) => this.take(text),
      onNews: (message) => this.takeNews(message),
      onNone: () => this.none(),
    });
  }

  async announce(partition: Partition | undefined, change: Change): Promise<void> {
    await this.speaker?.announce(partition, change, this.isUp);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelBeat?.();
    await this.wire.close();
  }

  private up(): void {
    if (this.isClosed) return;
    this.sequences.clear();
    this.flooded.clear();
    this.isAllFlooded = false;
    this.isUp = true;
    this.heardAtMs = this.parts.clock.monotonicMs();
    this.listener?.onUp();
    this.cancelBeat?.();
    this.beat();
  }

  private down(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.cancelBeat?.();
    this.listener?.onDown();
  }

  private none(): void {
    if (this.isClosed) return;
    this.down();
    this.listener?.onNone();
  }

  /** Every so often one is sent; what matters is when one was last heard. A process that was paused finds that it is too long ago. */
  private beat(): void {
    const { heartbeatMs } = this.settings;
    if (this.parts.clock.monotonicMs() - this.heardAtMs > PATIENCE * heartbeatMs) {
      this.down();
      this.wire.reconnect();
      return;
    }
    // What cannot be sent does not come back either, and is noticed by that.
    this.wire.send(this.name).catch(() => undefined);
    this.speaker?.catchUp();
    this.cancelBeat = this.parts.clock.after(heartbeatMs, () => this.beat());
  }

  private take(text: string): void {
    if (!this.isUp) return;
    if (text === this.name) {
      this.heardAtMs = this.parts.clock.monotonicMs();
      return;
    }
    if (this.isFlooded()) this.glance(text);
    else this.read(text);
  }

  private takeNews(message: BusMessage): void {
    if (!this.isUp) return;
    if (!this.isFlooded()) this.listener?.onMessage(message);
    else if (this.flooded.size <= MAX_FLOODED) this.flooded.add(message.partition);
  }

  private isFlooded(): boolean {
    if (this.inThisTurn++ === 0) void this.endTurn();
    return this.inThisTurn > MAX_PER_TURN;
  }

  private read(text: string): void {
    const message = parseMessage(text);
    // Somebody else speaks here too, or another version of us. Nothing that could be believed is lost with it.
    if (message === undefined) return;
    const { partition, origin, change } = message;
    // What a sender left out may have been about anybody.
    if (!this.sequences.follows(message)) this.listener?.onGap(this.speaker === undefined ? partition : undefined);
    if (partition === undefined) this.listener?.onGap(undefined);
    else this.listener?.onMessage({ partition, origin, change });
  }

  /**
   * In a flood: whom it is about. The numbering of shards is lost, so the next message about each counts as the first;
   * senders are followed, since a gap of theirs would be about everybody.
   */
  private glance(text: string): void {
    const tail = tailOf(text);
    if (tail === undefined) return;
    const { shard } = tail;
    let isAboutAll = shard === EVERYBODY;
    if (this.speaker === undefined) this.sequences.forget(shard);
    else if (!this.sequences.follows(tail)) isAboutAll = true;
    if (isAboutAll) this.isAllFlooded = true;
    else if (this.flooded.size <= MAX_FLOODED) this.flooded.add(partitionOf(shard));
  }

  private async endTurn(): Promise<void> {
    await this.parts.clock.breathe();
    this.inThisTurn = 0;
    const partitions = [...this.flooded];
    const isAll = this.isAllFlooded || partitions.length > MAX_FLOODED;
    this.flooded.clear();
    this.isAllFlooded = false;
    if (!this.isUp) return;
    if (isAll) {
      this.sequences.clear();
      this.listener?.onGap(undefined);
    } else for (const partition of partitions) this.listener?.onGap(partition);
  }
}

/** Where a message stands in its numbering, without looking at what it says. */
function tailOf(text: string): Tail | undefined {
  if (text.length > MAX_MESSAGE_LENGTH) return undefined;
  const [, shard] = SHARD.exec(text) ?? [];
  const at = text.lastIndexOf('|', text.lastIndexOf('|') - 1);
  const [, life = '', sequence] = TAIL.exec(text.slice(at + 1)) ?? [];
  return shard === undefined || sequence === undefined ? undefined : { shard, life, sequence: Number(sequence) };
}
