/**
 * A cache in a folder, for one process: each entry is a file, each tenant a folder. What was stored is there again after a
 * restart, and what was invalidated is not. Everything that has to be one step is synchronous, and so it is one.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import * as cache from 'nestjs-scoped-cache/backend';
import { entryOf } from './entry.js';
import { contentOf, envelopeIn, idIn, nameOf, namesIn, readIfThere, removeFile } from './files.js';
import { PartitionFolder, STATE, type EntryFile } from './partition.js';

const PAGE_SIZE = 500;
const TIDY_MS = 60_000;

/** @example CacheModule.forRoot({ backend: fileStore({ folder: '/var/cache/app' }) }) */
export function fileStore({ folder }: { readonly folder: string }): cache.BackendFactory {
  return { kind: 'file', create: (parts) => new FileStore(join(folder, nameOf(parts.prefix)), parts) };
}

class FileStore implements cache.Backend {
  readonly kind = 'file';
  /** By the names of their folders. */
  private readonly partitions = new Map<string, PartitionFolder>();
  private readonly codec: cache.Codec;
  private readonly pace: cache.Pace;
  /** Leases go by the machine: a test may hold what the application means by time. */
  private readonly machine: cache.Clock;
  /** Files outlive the process, so their times are those of the wall, which was so far ahead of our clock at the start. */
  private readonly aheadMs: number;
  private stopTidying: (() => void) | undefined;

  constructor(
    private readonly root: string,
    private readonly parts: cache.BackendParts,
  ) {
    const { clock, codec } = parts;
    this.codec = codec();
    this.pace = new cache.Pace(clock);
    this.machine = cache.machineOf(clock);
    this.aheadMs = clock.nowMs() - clock.monotonicMs();
    for (const name of namesIn(root)) this.recover(name);
    this.tidyLater();
  }

  async read({ id, space }: cache.Key): Promise<cache.Reading> {
    const partition = this.at(space.partition);
    const opened = await this.opened(partition, id);
    // Worked out last: an invalidation that settles while the value is opened must not be missed.
    return {
      entry: opened && entryOf(id, opened, this.aheadMs, this.parts.copier),
      required: partition.requiredFor(opened?.labels ?? []),
      level: 'l2',
    };
  }

  readMany(keys: readonly cache.Key[]): Promise<readonly cache.Reading[]> {
    return Promise.all(keys.map((key) => this.read(key)));
  }

  async lease(key: cache.Key, { leaseMs, purpose }: cache.LeaseRequest): Promise<cache.LeaseReply> {
    const partition = this.at(key.space.partition);
    for (;;) {
      const before = partition.stored.get(key.id);
      const reading = await this.read(key);
      // Another call may have stored something while the file was opened.
      if (partition.stored.get(key.id) !== before) continue;
      if (purpose === 'missing' && partition.isFresh(before, this.wallMs())) return { kind: 'found', reading };
      const nowMs = this.machine.monotonicMs();
      const token = purpose === 'replace' ? undefined : partition.awaited(key.id, nowMs);
      if (token !== undefined) return { kind: 'held', token };
      const { generation, clock: stamp } = partition;
      const lease = { key, token: randomUUID(), generation, stamp };
      partition.leases.set(key.id, { token: lease.token, stamp, untilMs: nowMs + leaseMs });
      return { kind: 'granted', lease, reading };
    }
  }

  async renew(lease: cache.Lease, leaseMs: number): Promise<boolean> {
    const held = this.held(lease);
    if (held !== undefined) held.untilMs = this.machine.monotonicMs() + leaseMs;
    return held !== undefined;
  }

  async release(lease: cache.Lease): Promise<void> {
    if (this.held(lease) !== undefined) this.at(lease.key.space.partition).leases.delete(lease.key.id);
  }

  async fill(lease: cache.Lease, draft: cache.Draft): Promise<cache.FillOutcome> {
    const { key, stamp } = lease;
    const partition = this.at(key.space.partition);
    const file = await this.seal(key, { ...this.born(key, draft), stamp });
    if (this.held(lease) === undefined) return 'lease-lost';
    const isAccepted = partition.accepts(lease, draft.labels);
    if (isAccepted) partition.store(key.id, file);
    partition.leases.delete(key.id);
    return isAccepted ? 'stored' : 'invalidated';
  }

  write(key: cache.Key, draft: cache.Draft): Promise<void> {
    return this.writeMany([[key, draft]]);
  }

  async writeMany(entries: readonly (readonly [cache.Key, cache.Draft])[]): Promise<void> {
    // All are sealed before any is stored: a value that cannot be kept must not leave half of a batch behind.
    const files = await Promise.all(entries.map(([key, draft]) => this.seal(key, this.born(key, draft))));
    for (const [at, [{ id, space }]] of entries.entries()) {
      const partition = this.at(space.partition);
      partition.leases.delete(id);
      partition.store(id, files[at] as EntryFile);
    }
  }

  async expire(key: cache.Key, freshForMs: number, keptForMs: number): Promise<boolean> {
    const changed = await this.change(key, (fresh) => fresh && { ...fresh, ...this.ends(freshForMs, keptForMs) });
    return changed !== undefined;
  }

  async increment(key: cache.Key, by: number, draft: Omit<cache.Draft, 'value'>): Promise<number> {
    const changed = await this.change(
      key,
      (fresh) => {
        const count = fresh ?? this.born(key, { ...draft, value: 0 });
        const value = Number.isSafeInteger(count.value) ? Number(count.value) + by : NaN;
        if (!Number.isSafeInteger(value)) throw new cache.NotACounterError(key.space.namespace);
        return { ...count, value };
      },
      true,
    );
    return Number(changed?.value);
  }

  async evict(keys: readonly cache.Key[]): Promise<number> {
    let removed = 0;
    for (const { id, space } of keys) {
      const partition = this.at(space.partition);
      if (partition.isLive(partition.stored.get(id), this.wallMs())) removed++;
      partition.leases.delete(id);
      partition.remove(id);
    }
    return removed;
  }

  async invalidate(partition: cache.Partition, labels: readonly cache.Label[]): Promise<void> {
    this.at(partition).invalidate(labels);
  }

  async clear(view: cache.View): Promise<number> {
    return this.clearIn(this.at(view.partition), view);
  }

  async clearEverything(view?: cache.View): Promise<number> {
    let removed = 0;
    for (const partition of this.partitions.values()) removed += this.clearIn(partition, view);
    return removed;
  }

  async removeMatching({ view, match }: cache.Selection): Promise<number> {
    const partition = this.at(view.partition);
    partition.beginPattern();
    const matching = await this.matching(match, this.liveIn(partition, view));
    // What went while others had their turn was counted by the call that removed it.
    const left = matching.filter((id) => partition.isLive(partition.stored.get(id), this.wallMs()));
    for (const id of left) partition.remove(id);
    return left.length;
  }

  async scan({ view, match }: cache.Selection, cursor = ''): Promise<cache.Page> {
    const ids = this.liveIn(this.at(view.partition), view)
      .sort()
      .filter((id) => id > cursor);
    const page = ids.slice(0, PAGE_SIZE);
    const keys = (await this.matching(match, page)).map(cache.visibleKey);
    return { keys, cursor: ids.length > PAGE_SIZE ? page.at(-1) : undefined };
  }

  async usage(view: cache.View | undefined): Promise<cache.Usage> {
    const partitions = view === undefined ? [...this.partitions.values()] : [this.at(view.partition)];
    const sizes = partitions.flatMap((partition) =>
      this.liveIn(partition, view).map((id) => partition.stored.get(id)?.sizeBytes ?? 0),
    );
    return { entries: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  }

  async info(): Promise<cache.BackendInfo> {
    const { entries, bytes } = await this.usage(undefined);
    return { kind: this.kind, entries, usedBytes: bytes };
  }

  async ping(): Promise<void> {
    namesIn(this.root);
  }

  async close(): Promise<void> {
    this.stopTidying?.();
  }

  private at(partition: cache.Partition): PartitionFolder {
    return this.named(nameOf(partition));
  }

  private named(name: string): PartitionFolder {
    const partition = this.partitions.get(name) ?? new PartitionFolder(join(this.root, name));
    this.partitions.set(name, partition);
    return partition;
  }

  private wallMs(): number {
    return this.parts.clock.monotonicMs() + this.aheadMs;
  }

  private held({ key, token }: cache.Lease): { untilMs: number } | undefined {
    const lease = this.at(key.space.partition).leases.get(key.id);
    return lease?.token === token && lease.untilMs > this.machine.monotonicMs() ? lease : undefined;
  }

  /** The codec proves whose it is: bytes that were changed, or put under another key, do not open. */
  private async opened(partition: PartitionFolder, id: cache.KeyId): Promise<cache.Opened | undefined> {
    const file = partition.stored.has(id) ? readIfThere(partition.pathOf(id)) : undefined;
    return file && this.codec.open(envelopeIn(file), id);
  }

  /** An entry whose life begins now. */
  private born({ space }: cache.Key, { value, labels, freshForMs, keptForMs }: cache.Draft): cache.Sealable {
    const { generation, clock: stamp } = this.at(space.partition);
    return { value, generation, stamp, labels, ...this.ends(freshForMs, keptForMs) };
  }

  private ends(freshForMs: number, keptForMs: number): Pick<cache.Header, 'freshUntilServerMs' | 'graceMs'> {
    const graceMs = freshForMs === Infinity ? 0 : keptForMs - freshForMs;
    return { freshUntilServerMs: this.wallMs() + freshForMs, graceMs };
  }

  private async seal({ id }: cache.Key, sealable: cache.Sealable): Promise<EntryFile> {
    const { value: _, ...header } = sealable;
    const content = contentOf(id, await this.codec.seal(sealable, id));
    return { content, stored: { ...header, sizeBytes: content.length } };
  }

  /** Puts something else in the place of a fresh entry, or of none. If that has changed meanwhile, it is looked at again. */
  private async change(
    key: cache.Key,
    next: (fresh: cache.Sealable | undefined) => cache.Sealable | undefined,
    voidsLease = false,
  ): Promise<cache.Sealable | undefined> {
    const partition = this.at(key.space.partition);
    for (;;) {
      const before = partition.stored.get(key.id);
      const isFresh = partition.isFresh(before, this.wallMs());
      const changed = next(isFresh ? await this.opened(partition, key.id) : undefined);
      const file = changed && (await this.seal(key, changed));
      if (partition.stored.get(key.id) !== before) continue;
      if (file !== undefined) partition.store(key.id, file);
      if (voidsLease) partition.leases.delete(key.id);
      return changed;
    }
  }

  private liveIn(partition: PartitionFolder, view: cache.View | undefined): cache.KeyId[] {
    const ids = [...partition.stored.keys()].filter((id) => view === undefined || cache.isInView(view, id));
    return ids.filter((id) => partition.isLive(partition.stored.get(id), this.wallMs()));
  }

  /** In portions: there may be many keys, and patterns may be long. */
  private matching(match: cache.Glob, ids: readonly cache.KeyId[]): Promise<cache.KeyId[]> {
    const stepsOf = (id: string): number => cache.stepsToTest(match, id.length);
    return this.pace.filter(ids, stepsOf, (id) => match.test(cache.visibleKey(id)));
  }

  private clearIn(partition: PartitionFolder, view: cache.View | undefined): number {
    const ids = this.liveIn(partition, view);
    partition.invalidate(view?.label === undefined ? undefined : [view.label]);
    for (const id of ids) partition.remove(id);
    return ids.length;
  }

  /** What an earlier process has stored. Its values are proven when they are read. */
  private recover(name: string): void {
    const folder = join(this.root, name);
    for (const file of namesIn(folder).filter((one) => one !== STATE)) {
      const content = readIfThere(join(folder, file)) ?? Buffer.alloc(0);
      const id = idIn(content);
      const header = file === nameOf(id) ? this.codec.peek(envelopeIn(content), id) : undefined;
      if (header === undefined) removeFile(join(folder, file));
      else this.named(name).stored.set(id, { ...header, sizeBytes: content.length });
    }
  }

  /** Removes what has expired or was invalidated, and forgets leases that have run out. */
  private tidyLater(): void {
    this.stopTidying = this.machine.after(TIDY_MS, () => {
      for (const partition of this.partitions.values()) partition.tidy(this.wallMs(), this.machine.monotonicMs());
      this.tidyLater();
    });
  }
}
