import type { Awaitable } from '../../core/async/awaitable.js';
import { eachInTurn } from '../../core/async/portions.js';
import type { Bus, Change } from '../../core/bus.js';
import { fingerprint } from '../../core/keys/fingerprint.js';
import type { Key } from '../../core/keys/key.js';
import { NO_PARTITION, type Partition } from '../../core/keys/partition.js';
import type { Invalidation } from '../shared/invalidation.js';
import type { L1Copies } from './l1-copies.js';

/** Names of one message. */
const MOST_NAMES = 500;
const ALL: Change = Object.freeze({ kind: 'all' });

/**
 * Publishes the changes of this process on a bus, where the second level does not publish them itself. Always after the
 * second level has settled a change and the copies here are dropped: a process that receives the message and reads again
 * gets the current entry.
 */
export class BusOut {
  constructor(
    /** Undefined: the second level publishes changes itself, or there is no bus. */
    private readonly bus: Bus | undefined,
  ) {}

  get figures(): Readonly<Record<string, number>> {
    return this.bus === undefined ? {} : { unannounced: this.bus.unannounced ?? 0 };
  }

  async publishKeys(kind: 'evicted' | 'stored', keys: readonly Key[]): Promise<void> {
    if (this.bus === undefined) return;
    // No message has room for so many names: it says that anything of their partition may have changed.
    if (keys.length > MOST_NAMES) {
      const partitions = new Set(keys.map(({ space }) => space.partition));
      await Promise.all([...partitions].map((partition) => this.publishChange(partition, ALL)));
      return;
    }
    const byPartition = new Map<Partition, number[]>();
    for (const { id, space } of keys) {
      const prints = byPartition.get(space.partition);
      if (prints === undefined) byPartition.set(space.partition, [fingerprint(id)]);
      else prints.push(fingerprint(id));
    }
    await Promise.all(
      [...byPartition].map(([partition, prints]) => this.publishChange(partition, { kind, keys: prints })),
    );
  }

  /** Without a partition: a change of all partitions. */
  async publishChange(partition: Partition | undefined, change: Change): Promise<void> {
    await this.bus?.announce?.(partition, change);
  }

  async publishInvalidation(invalidation: Invalidation): Promise<void> {
    if (invalidation.kind === 'evict') return this.publishKeys('evicted', invalidation.keys);
    return this.publishChange(...changeOf(invalidation));
  }
}

/** Drops the copies that an invalidation covers: at once, or of very many names a portion in each turn. */
export function invalidateCopies(copies: L1Copies, invalidation: Invalidation): Awaitable<unknown> {
  if (invalidation.kind === 'evict') return eachInTurn(invalidation.keys, (key) => copies.forget(key));
  const [partition, change] = changeOf(invalidation);
  if (partition === undefined && change.kind === 'all') copies.forgetAll();
  else copies.applyChange(partition ?? NO_PARTITION, change);
  return undefined;
}

/** An invalidation as a change for processes that keep copies, and its partition: undefined for all of them. */
function changeOf(invalidation: Exclude<Invalidation, { kind: 'evict' }>): [Partition | undefined, Change] {
  switch (invalidation.kind) {
    case 'invalidate':
      return [invalidation.partition, { kind: 'labels', labels: invalidation.labels }];
    case 'clear':
    case 'namespace': {
      const { partition, label } = invalidation.view;
      const change: Change = label === undefined ? ALL : { kind: 'labels', labels: [label] };
      return [invalidation.kind === 'clear' ? partition : undefined, change];
    }
    // Dropping all copies of a partition costs less than finding those that match.
    case 'matching':
      return [invalidation.selection.view.partition, ALL];
    case 'everything':
      return [undefined, ALL];
  }
}
