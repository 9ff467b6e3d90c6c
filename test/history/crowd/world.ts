/** What the caches of a history are caches of, and what a read of it may not miss. */

/** How many confirmed invalidations of a key are remembered, for settings in which a read may be a while behind. */
const KEPT = 256;

export interface Spot {
  readonly tenant: string;
  readonly name: string;
  readonly tag: string;
}

/** Two tenants with six keys each; three of them share a tag. */
export const SPOTS: readonly Spot[] = ['acme', 'beta'].flatMap((tenant) =>
  ['ant', 'bee', 'cat', 'dog', 'eel', 'fox'].map((name, at) => ({ tenant, name, tag: at < 3 ? 'red' : 'blue' })),
);

/** What an invalidation is called for. */
export type Kind = 'delete' | 'tag' | 'clear' | 'namespace';

/** The keys that an invalidation meant for one of them covers. */
export const COVERED: Readonly<Record<Kind, readonly (readonly number[])[]>> = {
  delete: SPOTS.map((_, key) => [key]),
  tag: SPOTS.map(({ tenant, tag }) => keysOf((other) => other.tenant === tenant && other.tag === tag)),
  clear: SPOTS.map(({ tenant }) => keysOf((other) => other.tenant === tenant)),
  /** Of all tenants: the one that all of these keys are in. */
  namespace: SPOTS.map(() => keysOf(() => true)),
};

function keysOf(isMeant: (spot: Spot) => boolean): readonly number[] {
  return SPOTS.flatMap((spot, key) => (isMeant(spot) ? [key] : []));
}

/** The versions of one key that reads may not miss, by the moment from which on they may not. */
class Bars {
  private readonly fromMs = new Float64Array(KEPT);
  private readonly versions = new Int32Array(KEPT);
  private count = 0;

  raise(atMs: number, version: number): void {
    const last = (this.count + KEPT - 1) % KEPT;
    if (this.count > 0 && version <= (this.versions[last] as number)) return;
    this.fromMs[this.count % KEPT] = atMs;
    this.versions[this.count % KEPT] = version;
    this.count++;
  }

  /** The newest version whose invalidation was confirmed before that moment. */
  at(moment: number): number {
    for (let back = 1; back <= Math.min(this.count, KEPT); back++) {
      const at = (this.count - back) % KEPT;
      if ((this.fromMs[at] as number) < moment) return this.versions[at] as number;
    }
    return 0;
  }

  /** When that version became one that may not be missed. */
  since(version: number): number {
    for (let back = 1; back <= Math.min(this.count, KEPT); back++) {
      const at = (this.count - back) % KEPT;
      if (this.versions[at] === version) return this.fromMs[at] as number;
    }
    return NaN;
  }
}

export class World {
  private readonly versions = new Int32Array(SPOTS.length);
  private readonly bars = SPOTS.map(() => new Bars());

  version(key: number): number {
    return this.versions[key] as number;
  }

  commit(key: number): number {
    return ++(this.versions[key] as number);
  }

  /** An invalidation was confirmed that was called when the key was at that version. */
  confirm(key: number, version: number): void {
    this.bars[key]?.raise(performance.now(), version);
  }

  /** The oldest version that a read may return that begins at that moment. */
  leastAt(key: number, moment: number): number {
    return this.bars[key]?.at(moment) ?? 0;
  }

  confirmedAtMs(key: number, version: number): number {
    return this.bars[key]?.since(version) ?? NaN;
  }
}
