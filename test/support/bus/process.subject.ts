import { PLACES } from '../../history/support/play.js';
import { covers, type InvalidationKind, type Load, type Place, type Subject } from '../../history/support/subject.js';
import type { TieredProcess } from './tiered-process.js';

/** A process of its own as the history plays it: it reads, stores and evicts; what it loads it asks us for. */
export class ProcessSubject implements Subject {
  private readonly loads = new Map<string, Load>();
  private started: TieredProcess | undefined;

  /** Answers the loaders of the process. */
  readonly source = async (name: string): Promise<unknown> => this.loads.get(name)?.();

  attach(started: TieredProcess): void {
    this.started = started;
  }

  getOrSet(place: Place, load: Load): Promise<number> {
    this.loads.set(place.id, load);
    return this.process.call('load', place.id) as Promise<number>;
  }

  async get(place: Place): Promise<number | undefined> {
    return (await this.process.call('get', place.id)) as number | undefined;
  }

  getMany(places: readonly Place[]): Promise<readonly (number | undefined)[]> {
    return Promise.all(places.map((place) => this.get(place)));
  }

  async set(place: Place, version: number): Promise<void> {
    await this.process.call('set', place.id, version);
  }

  async put(place: Place, method: Load): Promise<number> {
    const version = await method();
    await this.set(place, version);
    return version;
  }

  /** Everything that is meant, by name. */
  invalidate(kind: InvalidationKind, place: Place): Promise<unknown> {
    const meant = PLACES.filter((other) => covers(kind, place, other));
    return Promise.all(meant.map(({ id }) => this.process.call('evict', id)));
  }

  private get process(): TieredProcess {
    if (this.started === undefined) throw new Error('the process was not started');
    return this.started;
  }
}
