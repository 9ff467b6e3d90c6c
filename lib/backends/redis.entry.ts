import { isPending } from '../core/awaitable.js';
import type { Clock } from '../core/clock.js';
import type { Codec, Header, Opened } from '../core/codec.js';
import { ENVELOPE_MARK_BYTES } from '../core/codec.js';
import type { Entry } from '../core/entry.js';
import type { KeyId } from '../core/key.js';
import type { Label } from '../core/label.js';
import type { Incarnation, Stamp } from '../core/stamp.js';

/**
 * The server's clock as seen from here: its distance from our monotonic clock, taken from answers that carry the time.
 * The quickest answer of the last while is the most exact. An error moves the end of a ttl, never what is valid.
 */
export class ServerClock {
  private offsetMs: number;
  private uncertaintyMs = Infinity;

  constructor(private readonly clock: Clock) {
    this.offsetMs = clock.nowMs() - clock.monotonicMs();
  }

  /** An answer that was asked for at `sentAtMs` (monotonic) said that the server's time was `serverMs`. */
  note(serverMs: number, sentAtMs: number): void {
    const nowMs = this.clock.monotonicMs();
    const halfMs = (nowMs - sentAtMs) / 2;
    const offsetMs = serverMs - (sentAtMs + halfMs);
    // What was known grows stale slowly; a jump of the server's clock beyond any doubt replaces it.
    this.uncertaintyMs += 0.05;
    if (halfMs > this.uncertaintyMs && Math.abs(offsetMs - this.offsetMs) < halfMs + 1_000) return;
    this.offsetMs = offsetMs;
    this.uncertaintyMs = halfMs;
  }

  nowMs(): number {
    return this.clock.monotonicMs() + this.offsetMs;
  }

  toLocalMs(serverMs: number): number {
    return serverMs - this.offsetMs;
  }
}

/** An entry as it came from the server, with its times on the clock of this process. */
export class RedisEntry implements Entry {
  readonly incarnation: Incarnation;
  readonly stamp: Stamp;
  readonly labels: readonly Label[];
  readonly freshUntilMs: number;
  readonly keptUntilMs: number;
  readonly sizeBytes: number;
  private copies = 0;

  constructor(
    readonly identity: KeyId,
    private readonly bytes: Buffer,
    private readonly opened: Opened,
    private readonly again: () => unknown,
    serverClock: ServerClock,
  ) {
    this.incarnation = opened.incarnation;
    this.stamp = opened.stamp;
    this.labels = opened.labels;
    this.freshUntilMs = serverClock.toLocalMs(opened.freshUntilServerMs);
    this.keptUntilMs = this.freshUntilMs + opened.graceMs;
    this.sizeBytes = opened.sizeBytes;
  }

  /** The first look gets what was opened; every further one a value of its own. */
  get value(): unknown {
    return this.copies++ === 0 ? this.opened.value : this.again();
  }

  get mark(): Buffer {
    return markOf(this.bytes);
  }

  /** The same counter with another life; undefined when this is no counter. */
  recount(freshUntilServerMs: number, keptForMs: number): Buffer | undefined {
    const counter = parseCounter(this.bytes);
    if (counter === undefined) return undefined;
    const freshUntil = freshUntilServerMs === Infinity ? 0 : Math.floor(freshUntilServerMs);
    return Buffer.from(
      `NC|${counter.incarnation}|${counter.stamp}|${freshUntil}|${keptForMs}|${counter.labels.join(',')}|${counter.value}`,
      'latin1',
    );
  }
}

export function markOf(bytes: Buffer): Buffer {
  return bytes.subarray(0, ENVELOPE_MARK_BYTES);
}

const COUNTER = /^NC\|([^|]*)\|(\d+)\|(\d+)\|(\d+)\|([^|]*)\|(-?\d+)$/;

/** Counters are kept as text that the server can add to; see COUNT among the scripts. */
export function parseCounter(
  bytes: Buffer,
): (Header & { readonly value: number; readonly keptMs: number }) | undefined {
  if (bytes.length > 8_192 || bytes[0] !== 0x4e || bytes[1] !== 0x43 || bytes[2] !== 0x7c) return undefined;
  const [, incarnation = '', stamp, fresh, kept, labels = '', value] = COUNTER.exec(bytes.toString('latin1')) ?? [];
  if (value === undefined) return undefined;
  const freshUntilServerMs = Number(fresh) === 0 ? Infinity : Number(fresh);
  return {
    incarnation,
    stamp: Number(stamp),
    labels: (labels === '' ? [] : labels.split(',')) as Label[],
    freshUntilServerMs,
    graceMs: 0,
    keptMs: Number(kept),
    value: Number(value),
  };
}

/** Opens what a key holds, counter or envelope. */
export async function openStored(
  codec: Codec,
  id: KeyId,
  bytes: Buffer,
  serverClock: ServerClock,
): Promise<RedisEntry | undefined> {
  const counter = parseCounter(bytes);
  if (counter !== undefined) {
    return new RedisEntry(id, bytes, { ...counter, sizeBytes: bytes.length }, () => counter.value, serverClock);
  }
  const opened = await codec.open(bytes, id);
  return opened && new RedisEntry(id, bytes, opened, () => reopen(codec, id, bytes, opened), serverClock);
}

/** A value of its own for a second look. What takes another turn to open (compressed and large) is shared by looks at one reading. */
function reopen(codec: Codec, id: KeyId, bytes: Buffer, opened: Opened): unknown {
  const again = codec.open(bytes, id);
  return isPending(again) ? opened.value : again?.value;
}

/** The header of what a key holds, from its first bytes. */
export function peekStored(codec: Codec, id: KeyId, prefix: Buffer): Header | undefined {
  return parseCounter(prefix) ?? codec.peek(prefix, id);
}
