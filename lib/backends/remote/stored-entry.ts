import { isPending, type Awaitable } from '../../core/async/awaitable.js';
import type { Reading } from '../../core/backend.js';
import { ENVELOPE_MARK_BYTES, type Codec, type Header, type Opened } from '../../core/codec.js';
import type { Entry, Level } from '../../core/entry.js';
import { originOf, type Key, type KeyId } from '../../core/keys/key.js';
import { digestOf } from '../../core/keys/key-digest.js';
import type { Label } from '../../core/keys/label.js';
import type { Emit } from '../../core/observer.js';
import { survives, type Generation, type Stamp } from '../../core/stamp.js';
import { hideFromLogs } from '../../core/hide-from-logs.js';
import type { ServerClock } from './server-clock.js';
import { formatCounter, identityOf, parseCounter, type Counter } from './counter.js';

/** An entry as it came from the server, with its times on the clock of this process. */
export class ServerEntry implements Entry {
  static {
    hideFromLogs(this.prototype, 'ServerEntry');
  }

  readonly generation: Generation;
  readonly stamp: Stamp;
  readonly labels: readonly Label[];
  readonly freshUntilMs: number;
  readonly keptUntilMs: number;
  readonly sizeBytes: number;
  private copies = 0;
  private ownMark: Buffer | undefined;

  constructor(
    readonly identity: KeyId,
    private readonly bytes: Buffer,
    readonly opened: Opened,
    private readonly again: () => unknown,
    readonly counter: Counter | undefined,
    serverClock: ServerClock,
  ) {
    this.generation = opened.generation;
    this.stamp = opened.stamp;
    this.labels = opened.labels;
    this.freshUntilMs = serverClock.toLocalMs(opened.freshUntilServerMs);
    this.keptUntilMs = this.freshUntilMs + opened.graceMs;
    this.sizeBytes = opened.sizeBytes;
  }

  /** What tells its bytes from any others that will ever stand there. Made when it is needed, which hits do not. */
  get mark(): Buffer {
    return (this.ownMark ??= markOf(this.bytes));
  }

  get level(): Level {
    return 'l2';
  }

  /** The first look gets what was opened; every further one a value of its own. */
  get value(): unknown {
    return this.copies++ === 0 ? this.opened.value : this.again();
  }

  isOf(key: Key): boolean {
    return this.identity === key.id;
  }
}

/** Whether a reading is an entry within its ttl that was not invalidated. */
export function isFresh({ entry, required }: Pick<Reading, 'entry' | 'required'>, serverClock: ServerClock): boolean {
  return (
    entry !== undefined &&
    survives(entry, required) &&
    serverClock.localMs() < Math.min(entry.freshUntilMs, entry.keptUntilMs)
  );
}

export function markOf(bytes: Buffer): Buffer {
  return Buffer.from(bytes.subarray(0, ENVELOPE_MARK_BYTES));
}

/** Makes entries of stored bytes, counters or envelopes. */
export class EntryOpener {
  /** False: values are signed or encrypted, so nothing that is neither may be believed. */
  readonly trustsCounters: boolean;

  constructor(
    private readonly codec: Codec,
    private readonly serverClock: ServerClock,
    private readonly emit: Emit,
  ) {
    this.trustsCounters = codec.keyChecks.size === 0;
  }

  /** Whether bytes that did not open are of no use to any process. */
  isRuined(bytes: Buffer): boolean {
    return this.codec.isRuined?.(bytes) === true;
  }

  /** Undefined: nothing of ours for this id. */
  open(id: KeyId, bytes: Buffer): Awaitable<ServerEntry | undefined> {
    const { codec, serverClock } = this;
    const counter = this.trustsCounters ? parseCounter(bytes) : undefined;
    if (counter !== undefined) {
      if (counter.identity !== identityOf(id)) return this.tellForeign(id);
      const opened = { ...counter, sizeBytes: bytes.length };
      return new ServerEntry(id, bytes, opened, () => counter.value, counter, serverClock);
    }
    const opened = codec.open(bytes, id);
    return isPending(opened) ? opened.then((whole) => this.entryOf(id, bytes, whole)) : this.entryOf(id, bytes, opened);
  }

  private entryOf(id: KeyId, bytes: Buffer, opened: Opened | undefined): ServerEntry | undefined {
    if (opened === undefined) return undefined;
    const { codec, serverClock } = this;
    // A value of its own for a second look. What takes another turn to open (compressed and large) brings what it needs.
    const again = opened.again ?? ((): unknown => (codec.open(bytes, id) as Opened | undefined)?.value);
    return new ServerEntry(id, bytes, opened, again, undefined, serverClock);
  }

  /** The header of what stands under an id, from its first bytes; unproven. */
  peek(id: KeyId, prefix: Buffer): Header | undefined {
    if (prefix.length === 0) return undefined;
    const counter = this.trustsCounters ? parseCounter(prefix) : undefined;
    return counter ?? this.codec.peek(prefix, id);
  }

  /** The same value with another life. */
  again(entry: ServerEntry, value: unknown, freshUntilServerMs: number, graceMs: number): Awaitable<Buffer> {
    const { generation, stamp, labels, counter, identity } = entry;
    const header = { generation, stamp, labels, freshUntilServerMs, graceMs };
    if (counter !== undefined) return formatCounter({ ...counter, ...header, value: value as number });
    return this.codec.seal({ ...header, value }, identity);
  }

  tellForeign(id: KeyId): undefined {
    this.emit.event({ type: 'identity-mismatch', ...originOf(id), keyDigest: digestOf(id) });
  }
}
