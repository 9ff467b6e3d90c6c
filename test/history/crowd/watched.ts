/** A backend whose answers are written into the ring: what the engine of one process was told, and when. */
import type { Backend, BackendFactory, BackendParts, LeaseReply, Reading } from '../../../lib/core/backend.js';
import { isPending, type Awaitable } from '../../../lib/core/async/awaitable.js';
import type { Draft } from '../../../lib/core/entry.js';
import type { Key, KeyId } from '../../../lib/core/keys/key.js';
import type { Op, Ring } from './ring.js';
import { numberOf, versionOf } from './value.js';

export interface Watch {
  readonly ring: Ring;
  readonly process: number;
  /** The number of a key; undefined: not one of the history. */
  readonly numbers: ReadonlyMap<KeyId, number>;
}

/** Everything else passes as it is. */
export function watched(factory: BackendFactory, watch: Watch): BackendFactory {
  return { kind: factory.kind, create: (parts) => new Watched(factory, parts, watch).backend };
}

class Watched {
  readonly backend: Backend;
  private readonly inner: Backend;
  /** Tokens of leases that this process was granted lately. */
  private readonly own = new Set<string>();

  constructor(
    factory: BackendFactory,
    parts: BackendParts,
    private readonly watch: Watch,
  ) {
    const inner = factory.create({ ...parts, ...{ onResent: this.resent } });
    this.inner = inner;
    this.backend = {
      kind: inner.kind,
      read: (key, how) => this.seen(key, inner.read(key, how)),
      readMany: (keys, how) => inner.readMany(keys, how),
      lease: (key, request) => this.leased(key, inner.lease(key, request)),
      renew: (lease, leaseMs) => inner.renew(lease, leaseMs),
      release: (lease) => inner.release(lease),
      fill: (lease, draft) => this.filled(lease.key, lease.token, lease.stamp, draft, inner.fill(lease, draft)),
      write: (key, draft) => inner.write(key, draft),
      writeMany: (entries) => inner.writeMany(entries),
      expire: (key, freshForMs, keptForMs) => inner.expire(key, freshForMs, keptForMs),
      increment: (key, by, draft) => inner.increment(key, by, draft),
      evict: (keys) => inner.evict(keys),
      invalidate: (partition, labels) => inner.invalidate(partition, labels),
      clear: (view) => inner.clear(view),
      clearEverything: (view) => inner.clearEverything(view),
      removeMatching: (selection) => inner.removeMatching(selection),
      scan: (selection, cursor) => inner.scan(selection, cursor),
      usage: (view) => inner.usage(view),
      info: () => inner.info(),
      ping: () => inner.ping(),
      open: () => inner.open?.() ?? undefined,
      onReborn: (listener) => inner.onReborn?.(listener),
      close: () => inner.close(),
    };
  }

  private readonly resent = (invalidation: { readonly kind: string }): void => {
    const { ring, process } = this.watch;
    ring.noteAll('resent', process, invalidation.kind);
  };

  private note(key: Key, op: Op, version: number, stamp: number, text: string): void {
    const { ring, process, numbers } = this.watch;
    const number = numbers.get(key.id);
    if (number !== undefined) ring.note(number, op, process, version, stamp, text);
  }

  private seen(key: Key, asked: Awaitable<Reading>): Awaitable<Reading> {
    if (!isPending(asked)) {
      this.noteReading(key, asked);
      return asked;
    }
    return asked.then(
      (reading) => {
        this.noteReading(key, reading);
        return reading;
      },
      (error: unknown) => {
        this.note(key, 'read failed', -1, -1, String(error));
        throw error;
      },
    );
  }

  private noteReading(key: Key, { entry, required, level }: Reading): void {
    if (entry === undefined) this.note(key, 'read nothing', -1, -1, '');
    else this.note(key, 'read', required.stamp > entry.stamp ? -1 : 0, entry.stamp, level);
  }

  private leased(key: Key, asked: Awaitable<LeaseReply>): Awaitable<LeaseReply> {
    const answered = async (): Promise<LeaseReply> => {
      try {
        const reply = await asked;
        this.noteLease(key, reply);
        return reply;
      } catch (error) {
        this.note(key, 'lease failed', -1, -1, String(error));
        throw error;
      }
    };
    return answered();
  }

  private noteLease(key: Key, reply: LeaseReply): void {
    if (reply.kind === 'found') this.note(key, 'lease found', -1, reply.reading.entry?.stamp ?? -1, '');
    else if (reply.kind === 'held')
      this.note(key, 'lease held', -1, -1, `${reply.token}${this.own.has(reply.token) ? ' of its own' : ''}`);
    else {
      const { token, stamp, generation } = reply.lease;
      if (this.own.size > 10_000) this.own.clear();
      this.own.add(token);
      this.note(key, 'lease granted', -1, stamp, `${token} in ${generation}`);
    }
  }

  private filled<T extends string>(
    key: Key,
    token: string,
    stamp: number,
    { value }: Draft,
    asked: Awaitable<T>,
  ): Awaitable<T> {
    const version = versionOf(numberOf(value));
    const answered = async (): Promise<T> => {
      try {
        const outcome = await asked;
        this.note(key, `fill ${outcome}` as Op, version, stamp, token);
        return outcome;
      } catch (error) {
        this.note(key, 'fill failed', version, stamp, `${token} ${String(error)}`);
        throw error;
      }
    };
    return answered();
  }
}
