import type { Bus, Change } from '../../core/bus.js';
import { fingerprint } from '../../core/keys/fingerprint.js';
import type { Key } from '../../core/keys/key.js';
import type { Partition } from '../../core/keys/partition.js';
import type { Invalidation } from '../shared/invalidation.js';
import type { Copies } from './l1-copies.js';

const ALL: Change = Object.freeze({ kind: 'all' });

/**
 * Tells other processes what this one has changed, over a bus on which nobody else does. Always after the second level
 * has settled it and the copies here are gone: whoever hears of it and asks anew gets what is true now.
 */
export class Telling {
  constructor(
    /** Undefined: the second level tells by itself, or nobody listens. */
    private readonly bus: Bus | undefined,
  ) {}

  get figures(): Readonly<Record<string, number>> {
    return this.bus === undefined ? {} : { unannounced: this.bus.unannounced ?? 0 };
  }

  async keys(kind: 'evicted' | 'stored', keys: readonly Key[]): Promise<void> {
    if (this.bus === undefined) return;
    const byPartition = new Map<Partition, number[]>();
    for (const { id, space } of keys) {
      const prints = byPartition.get(space.partition);
      if (prints === undefined) byPartition.set(space.partition, [fingerprint(id)]);
      else prints.push(fingerprint(id));
    }
    await Promise.all([...byPartition].map(([partition, prints]) => this.change(partition, { kind, keys: prints })));
  }

  /** Without a partition: everything of everybody. */
  async change(partition: Partition | undefined, change: Change): Promise<void> {
    await this.bus?.announce?.(partition, change);
  }

  async invalidation(invalidation: Invalidation): Promise<void> {
    if (invalidation.kind === 'evict') return this.keys('evicted', invalidation.keys);
    return this.change(...changeOf(invalidation));
  }
}

/** Forgets here what an invalidation means. */
export function forget(copies: Copies, invalidation: Invalidation): void {
  if (invalidation.kind === 'evict') {
    copies.forget(invalidation.keys);
    return;
  }
  const [partition, change] = changeOf(invalidation);
  if (partition === undefined) copies.forgetAll();
  else copies.note(partition, change);
}

/** What an invalidation means to whoever keeps copies, and in which partition: undefined for all of them. */
function changeOf(invalidation: Exclude<Invalidation, { kind: 'evict' }>): [Partition | undefined, Change] {
  switch (invalidation.kind) {
    case 'invalidate':
      return [invalidation.partition, { kind: 'labels', labels: invalidation.labels }];
    case 'clear': {
      const { partition, label } = invalidation.view;
      return [partition, label === undefined ? ALL : { kind: 'labels', labels: [label] }];
    }
    // It costs less to forget a partition than to find out what matches.
    case 'matching':
      return [invalidation.selection.view.partition, ALL];
    case 'everything':
      return [undefined, ALL];
  }
}
