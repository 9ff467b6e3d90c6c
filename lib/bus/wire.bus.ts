/**
 * A bus over a wire that servers speak into: tells the listener what changed, and whenever it may have missed something.
 * A sign of life goes round by the way the messages come; when none comes back, the wire is taken for dead (guarantee G5).
 */
import { randomBytes } from 'node:crypto';
import { parseMessage } from '../core/bus-message.js';
import type { Bus, BusListener, BusParts, BusSettings, Wire } from '../core/bus.js';
import type { Partition } from '../core/space.js';
import { Sequences } from './sequences.js';

/** Signs of life that may be missing in a row. */
const PATIENCE = 3;
/** Messages of one turn that are looked at one by one; of the rest only whom they are about. */
const MAX_PER_TURN = 1_000;
/** Partitions that a flood may be about before it is about all of them. */
const MAX_FLOODED = 1_000;
const SHARD = /^1\|((g|t\.[^.|]{1,768})(?:\.\d{1,3}\.\d{1,3})?)\|/;

export function wireBus(wire: Wire, parts: BusParts, settings: BusSettings): Bus {
  return new WireBus(wire, parts, settings);
}

class WireBus implements Bus {
  private readonly sequences = new Sequences();
  /** What our signs of life begin with; nobody else knows it. */
  private readonly name = `h|${randomBytes(9).toString('base64url')}|`;
  private readonly flooded = new Set<Partition>();
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
  ) {}

  start(listener: BusListener): void {
    this.listener = listener;
    this.wire.open({
      onUp: () => this.up(),
      onDown: () => this.down(),
      onText: (text) => this.take(text),
    });
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
    this.cancelBeat = this.parts.clock.after(heartbeatMs, () => this.beat());
  }

  private take(text: string): void {
    if (!this.isUp) return;
    if (text === this.name) {
      this.heardAtMs = this.parts.clock.monotonicMs();
      return;
    }
    if (this.inThisTurn++ === 0) void this.endTurn();
    if (this.inThisTurn > MAX_PER_TURN) this.glance(text);
    else this.read(text);
  }

  private read(text: string): void {
    const message = parseMessage(text);
    // Somebody else speaks here too, or another version of us. Nothing that could be believed is lost with it.
    if (message === undefined) return;
    if (!this.sequences.follows(message)) this.listener?.onGap(message.partition);
    this.listener?.onMessage(message);
  }

  /** In a flood: whom it is about. Their numbering is lost, so their next message counts as the first. */
  private glance(text: string): void {
    if (this.flooded.size > MAX_FLOODED) return;
    const [, shard, partition] = SHARD.exec(text) ?? [];
    if (shard === undefined || partition === undefined) return;
    this.sequences.forget(shard);
    this.flooded.add(partition as Partition);
  }

  private async endTurn(): Promise<void> {
    await this.parts.clock.breathe();
    this.inThisTurn = 0;
    const partitions = [...this.flooded];
    this.flooded.clear();
    if (!this.isUp) return;
    if (partitions.length > MAX_FLOODED) {
      this.sequences.clear();
      this.listener?.onGap(undefined);
    } else for (const partition of partitions) this.listener?.onGap(partition);
  }
}
