import type { Space } from '../../core/keys/space.js';
import { SmallMap } from '../../core/small-map.js';
import { groupBytes } from './cost.js';
import type { MemoryPartition } from './partition.js';
import type { Group } from './record.js';

/**
 * The groups of one store, by the beginning of the ids of their records. A space remembers the group it was found in: a hit
 * then looks up nothing but the record.
 */
export class GroupIndex {
  private readonly byPrefix = new Map<string, Group>();

  of(space: Space): Group | undefined {
    const { remembered } = space;
    const group = remembered.group as Group | undefined;
    // One that has left, or that another store remembered (there may be two behind one cache), is as good as none.
    if (group !== undefined && group.index === this) return group;
    const found = this.byPrefix.get(space.idPrefix);
    remembered.group = found;
    return found;
  }

  /** The group of a space that has none. */
  add(space: Space, order: number, within: MemoryPartition<Group>): Group {
    const { name, path, stats, idPrefix, labels } = space;
    const group: Group = {
      order,
      name,
      path,
      namespace: name.slice(path.length + 1),
      within,
      stats,
      labels,
      costBytes: groupBytes(space),
      idPrefix,
      index: this,
      records: new SmallMap(),
      numbered: 0,
      lastMetadata: undefined,
      sharedMetadata: undefined,
      sharedStamp: 0,
      expiryCursor: undefined,
    };
    this.byPrefix.set(idPrefix, group);
    return group;
  }

  delete(group: Group): void {
    this.byPrefix.delete(group.idPrefix);
    group.index = undefined;
  }

  /** Spaces may outlive the store: what they remember must not hold its records. */
  clear(): void {
    for (const group of this.byPrefix.values()) {
      group.index = undefined;
      group.records.clear();
    }
    this.byPrefix.clear();
  }

  values(): Iterable<Group> {
    return this.byPrefix.values();
  }
}
