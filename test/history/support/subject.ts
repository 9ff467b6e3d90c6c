import { compileGlob } from '../../../lib/core/keys/glob.js';
import type { Clock } from '../../../lib/core/clock.js';
import type { Rig, Options } from '../../support/machine/rig.js';

/** A key of the history, and where it lives. */
export interface Place {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly user: string | undefined;
  readonly namespace: string;
  readonly tags: readonly string[];
}

export type Load = () => Promise<number>;

/** What an application does to its cache after a commit. */
export const INVALIDATIONS = [
  'evict',
  'tag of the tenant',
  'tag of the user',
  'clear the user',
  'clear the namespace',
  'clear the user’s namespace',
  'clear the tenant',
  'pattern',
  'namespace of all tenants',
  'everything',
] as const;
export type InvalidationKind = (typeof INVALIDATIONS)[number];

/** One process with its cache, as the history plays it. Versions are what it stores. */
export interface Subject {
  getOrSet(place: Place, load: Load, policy: Options): Promise<number>;
  get(place: Place): Promise<number | undefined>;
  getMany(places: readonly Place[]): Promise<readonly (number | undefined)[]>;
  set(place: Place, version: number): Promise<void>;
  put(place: Place, method: Load): Promise<number>;
  invalidate(kind: InvalidationKind, place: Place): Promise<unknown>;
}

/** Whether an invalidation meant for `place` covers `other` too. */
export function covers(kind: InvalidationKind, place: Place, other: Place): boolean {
  const isOurs = other.tenant === place.tenant;
  const isHers = isOurs && other.user === place.user;
  switch (kind) {
    case 'evict':
      return other.id === place.id;
    case 'tag of the tenant':
      return isOurs && other.tags.includes(place.tags[0]!);
    case 'tag of the user':
      return isHers && other.tags.includes(place.tags[0]!);
    case 'clear the user':
      return place.user === undefined ? isOurs : isHers;
    case 'clear the namespace':
      return isOurs && other.namespace === place.namespace;
    case 'clear the user’s namespace':
      return (place.user === undefined ? isOurs : isHers) && other.namespace === place.namespace;
    case 'clear the tenant':
      return isOurs;
    case 'pattern':
      return (
        (place.user === undefined ? isOurs : isHers) &&
        other.namespace === place.namespace &&
        other.name[0] === place.name[0]
      );
    case 'namespace of all tenants':
      return other.namespace === place.namespace;
    case 'everything':
      return true;
  }
}

/** A whole machine. */
export class RigSubject implements Subject {
  constructor(private readonly rig: Rig<Clock>) {}

  getOrSet(place: Place, load: Load, policy: Options): Promise<number> {
    return this.rig.load(place.name, load, { ...policy, ...optionsOf(place) });
  }

  async get(place: Place): Promise<number | undefined> {
    return (await this.rig.get(place.name, optionsOf(place))) as number | undefined;
  }

  async getMany(places: readonly Place[]): Promise<readonly (number | undefined)[]> {
    const calls = places.map((place) => ({
      key: this.rig.key(place.name, optionsOf(place)),
      policy: this.rig.policy(),
      frame: undefined,
    }));
    return (await this.rig.machine.engine.getMany(calls)) as (number | undefined)[];
  }

  set(place: Place, version: number): Promise<void> {
    return this.rig.set(place.name, version, optionsOf(place));
  }

  put(place: Place, method: Load): Promise<number> {
    return this.rig.put(place.name, method, optionsOf(place));
  }

  async invalidate(kind: InvalidationKind, place: Place): Promise<unknown> {
    const { tenant, user, namespace, name, tags } = place;
    const { writes } = this.rig.machine.engine;
    switch (kind) {
      case 'evict':
        return this.rig.evict(name, optionsOf(place));
      case 'tag of the tenant':
        return this.rig.invalidateTag(tags[0]!, { tenant });
      case 'tag of the user':
        // An entry of the whole tenant has no user: its tag is the tenant's.
        return this.rig.invalidateTag(tags[0]!, { tenant, user });
      case 'clear the user':
        return this.rig.clear({ tenant, user });
      case 'clear the namespace':
        return this.rig.clear({ tenant, namespace });
      case 'clear the user’s namespace':
        return this.rig.clear({ tenant, user, namespace });
      case 'clear the tenant':
        return this.rig.clear({ tenant });
      case 'pattern': {
        const view = this.rig.view({ tenant, user, namespace });
        return writes.removeMatching(this.rig.space(place), { view, match: compileGlob(`${name[0]}*`) });
      }
      case 'namespace of all tenants':
        return writes.clearEverything(this.rig.space(place), this.rig.machine.keyFactory.everywhere(namespace));
      case 'everything':
        return writes.clearEverything(this.rig.space(place));
    }
  }
}

/** How it is usually done: look, load, store; and delete what has changed. */
export class NaiveSubject implements Subject {
  private readonly stored = new Map<string, { readonly version: number; readonly place: Place }>();

  async getOrSet(place: Place, load: Load): Promise<number> {
    const found = this.stored.get(place.id);
    if (found !== undefined) return found.version;
    const version = await load();
    this.stored.set(place.id, { version, place });
    return version;
  }

  async get(place: Place): Promise<number | undefined> {
    return this.stored.get(place.id)?.version;
  }

  async getMany(places: readonly Place[]): Promise<readonly (number | undefined)[]> {
    return places.map(({ id }) => this.stored.get(id)?.version);
  }

  async set(place: Place, version: number): Promise<void> {
    this.stored.set(place.id, { version, place });
  }

  async put(place: Place, method: Load): Promise<number> {
    const version = await method();
    this.stored.set(place.id, { version, place });
    return version;
  }

  async invalidate(kind: InvalidationKind, place: Place): Promise<void> {
    for (const [id, entry] of this.stored) if (covers(kind, place, entry.place)) this.stored.delete(id);
  }
}

function optionsOf({ tenant, user, namespace, tags }: Place): Options {
  return user === undefined ? { tenant, namespace, tags } : { tenant, user, namespace, tags };
}
