import type { Awaitable } from '../../core/async/awaitable.js';
import type { Backend } from '../../core/backend.js';
import { CacheError } from '../../core/errors.js';
import type { Key } from '../../core/keys/key.js';
import type { Partition } from '../../core/keys/partition.js';
import type { View } from '../../core/keys/space.js';
import type { Owners } from '../shared/owners.js';

/** Partitions that are remembered as kept by the second; beyond them all of it is emptied. */
const MAX_PARTITIONS = 10_000;

/** The time in which the second stands in for one server. */
interface Absence {
  isAway: boolean;
  /** The second may still have entries from before the server came back: no call reads it until they are gone. */
  isStale: boolean;
  /** Whose entries the second may have. */
  readonly partitions: Set<Partition>;
  /** Its entries are being removed. */
  cleaning: Promise<void> | undefined;
}

/**
 * A second backend in the place of servers that do not answer. It is emptied of what one of them keeps as soon as that one is
 * back: what was invalidated meanwhile elsewhere is not known here.
 */
export class StandIn {
  /** The cache is closed: the second answers nothing that the first refuses. */
  isClosed = false;
  private readonly absences = new Map<string, Absence>();
  private version = 0;
  /** Something has passed to another server, so that nothing tells any more which entries are whose. */
  private isAllStale = false;

  constructor(
    private readonly second: Backend,
    private readonly owners: Owners | undefined,
  ) {}

  isAway(key: Key): boolean {
    return this.absenceOf(key).isAway;
  }

  /** What the first answers, or the second where the first does not. @param keys what it is about */
  async either<T>(keys: readonly Key[], first: () => Awaitable<T>, second: () => Awaitable<T>): Promise<T> {
    let answer: T;
    try {
      answer = await first();
    } catch (error) {
      if (this.isClosed || (error instanceof CacheError && error.code !== 'CACHE_BACKEND')) throw error;
      await this.stand(keys);
      return second();
    }
    // The first is back, and its answer is right whether the second can be emptied now or not.
    for (const absence of this.absencesOf(keys)) if (absence.isAway) await this.recover(absence);
    return answer;
  }

  /** From here on the second is read, and has nothing from before. */
  private async stand(keys: readonly Key[]): Promise<void> {
    const absences = this.absencesOf(keys);
    const { version } = this;
    if (this.isAllStale) await this.cleanAll();
    for (const absence of absences) if (absence.isStale) await this.clean(absence);
    const current = [...this.absencesOf(keys)];
    // Something has passed to another server meanwhile, or one was back and is away again.
    if (version !== this.version || current.some(({ isStale }) => isStale)) return this.stand(keys);
    for (const absence of current) absence.isAway = true;
    if (this.owners === undefined) return;
    for (const key of keys) {
      const { partitions } = this.absenceOf(key);
      if (partitions.size < MAX_PARTITIONS) partitions.add(key.space.partition);
    }
  }

  private async recover(absence: Absence): Promise<void> {
    absence.isAway = false;
    absence.isStale = true;
    await this.clean(absence).catch(leftStale);
  }

  /** Once for all calls that find it to be done: none of them reads before that is over. */
  private clean(absence: Absence): Promise<void> {
    return (absence.cleaning ??= this.empty(absence).finally(() => {
      absence.cleaning = undefined;
    }));
  }

  private async empty(absence: Absence): Promise<void> {
    const { partitions } = absence;
    if (this.owners === undefined || partitions.size >= MAX_PARTITIONS) await this.second.clearEverything();
    else for (const partition of partitions) await this.second.clear(viewOf(partition));
    // Nothing has come to be there meanwhile: what is to stand there waits for the end of this.
    partitions.clear();
    absence.isStale = false;
  }

  private async cleanAll(): Promise<void> {
    const { version } = this;
    await this.second.clearEverything();
    if (version === this.version) this.isAllStale = false;
  }

  private absencesOf(keys: readonly Key[]): ReadonlySet<Absence> {
    return new Set(
      keys.length === 0 || this.owners === undefined ? [this.at('')] : keys.map((key) => this.absenceOf(key)),
    );
  }

  private absenceOf(key: Key): Absence {
    return this.at(this.owners?.of(key) ?? '');
  }

  private at(owner: string): Absence {
    const { owners } = this;
    if (owners !== undefined && owners.version !== this.version) {
      this.version = owners.version;
      this.isAllStale ||= this.absences.size > 0;
      this.absences.clear();
    }
    let absence = this.absences.get(owner);
    if (absence === undefined)
      this.absences.set(
        owner,
        (absence = { isAway: false, isStale: false, partitions: new Set(), cleaning: undefined }),
      );
    return absence;
  }
}

function viewOf(partition: Partition): View {
  return { partition, path: undefined, namespace: undefined, label: undefined };
}

function leftStale(): void {
  // It is emptied before it is read again.
}
