/**
 * Goes through what shards hold, in the order of ids: listing, counting, and removing what has been invalidated. The
 * entries of a space lie together, so a scan costs what it visits, not what the server holds.
 */
import type { Page, Selection, Usage } from '../../core/backend.js';
import type { Pace } from '../../core/async/pace.js';
import { compileGlob, stepsToTest, type Glob } from '../../core/keys/glob.js';
import { isInView } from '../../core/keys/in-view.js';
import { storedId, visibleKeyIn, type KeyId } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { View } from '../../core/keys/space.js';
import type { Generation, Stamp } from '../../core/stamp.js';
import { sum } from '../shared/batches.js';
import type { ServerClock } from './server-clock.js';
import { requiredStamp, type ShardState } from './shard-state.js';

/** An entry that changes each time it is to be removed is left after so many tries: something stores it anew. */
const MAX_TRIES = 8;
/** Every key of a view. */
export const EVERY_KEY: Glob = compileGlob('*');

/** What stands beside a value, readable without it; unproven. */
export interface StoredHeader {
  readonly generation: Generation;
  readonly stamp: Stamp;
  readonly labels: readonly Label[];
  /** By the clock of the server. */
  readonly keptUntilMs: number;
}

/** One id with what stands there now. */
export interface Visited {
  readonly id: KeyId;
  /** Undefined: no value. */
  readonly header: StoredHeader | undefined;
  readonly sizeBytes: number;
}

/** What a removal does with an entry: `live` goes and counts, `dead` goes, `other` stays. */
export type Judgement = 'live' | 'dead' | 'other';

export interface Removal {
  readonly judge: (header: StoredHeader, state: ShardState | undefined) => Judgement;
  /** What becomes of a name under which there is no value. */
  readonly empty: 'dead' | 'other';
  /** Other processes are told of it, where the server itself tells nothing. */
  readonly isTold: boolean;
}

/** What a scan goes through. `F` is what the index names, `V` the same with what stands there. */
export interface ScanSource<S, F extends { readonly id: KeyId }, V extends F & Visited> {
  /** Ids of one step, so that no step holds up the server for long. */
  readonly batch: number;
  /** Steps of the pace that one of them takes. */
  readonly steps: number;
  /** What the index of a shard names of a view, in the order of ids, behind one of them; at most a batch. */
  find(shard: S, view: View, after: KeyId | undefined): Promise<readonly F[]>;
  /** What stands there now, and the state it is judged by. @param isAgain it has changed since it was found */
  visit(shard: S, found: readonly F[], isAgain: boolean): Promise<readonly [readonly V[], ShardState | undefined]>;
  /** Removes what is still as it was visited: how many live ones went, and which may have changed since. */
  remove(shard: S, live: readonly V[], dead: readonly V[], isTold: boolean): Promise<readonly [number, readonly F[]]>;
  /** A walk that is to find everything has come to the end of a shard. What no index can lose needs none. */
  walked?(shard: S): Promise<void>;
  /** Something that this library has not written stands among the names. */
  onAlien(): void;
}

export class IndexScan<S, F extends { readonly id: KeyId }, V extends F & Visited> {
  constructor(
    private readonly source: ScanSource<S, F, V>,
    private readonly serverClock: ServerClock,
    private readonly pace: Pace,
  ) {}

  /** A page of live keys. The cursor is the number of a shard, and the last id seen in it. */
  async page(shards: readonly S[], selection: Selection, cursor: string | undefined): Promise<Page> {
    const [number, after] = parseCursor(cursor);
    const shard = shards[number];
    if (shard === undefined) return { keys: [], cursor: undefined };
    const found = await this.source.find(shard, selection.view, after);
    const wanted = await this.matching(found, selection);
    if (this.last(found) === undefined) await this.source.walked?.(shard);
    const keys = (await this.live(shard, wanted)).map(({ id }) => visibleKeyIn(id) ?? this.skip());
    return { keys: keys.filter((key) => key !== undefined), cursor: this.nextCursor(shards, number, found) };
  }

  /** Exact: every entry is looked at. */
  async usage(shard: S, view: View): Promise<Usage> {
    let entries = 0;
    let bytes = 0;
    for await (const found of this.batches(shard, { view, match: EVERY_KEY })) {
      const live = await this.live(shard, found);
      entries += live.length;
      bytes += sum(live.map(({ sizeBytes }) => sizeBytes));
    }
    await this.source.walked?.(shard);
    return { entries, bytes };
  }

  /** Removes what the view covers, matches, and is judged so; how many live ones each portion of the scan removed. */
  async *remove(shard: S, selection: Selection, removal: Removal): AsyncGenerator<number, void> {
    for await (const found of this.batches(shard, selection)) {
      let left: readonly F[] = found;
      for (let tries = 0; left.length > 0 && tries < MAX_TRIES; tries++) {
        const [removed, changed] = await this.removeSome(shard, left, removal, tries > 0);
        yield removed;
        left = changed;
      }
    }
  }

  isLive(header: StoredHeader, state: ShardState | undefined): boolean {
    return (
      header.generation === state?.generation &&
      header.stamp >= requiredStamp(state, header.labels) &&
      this.serverClock.nowMs() < header.keptUntilMs
    );
  }

  private async removeSome(
    shard: S,
    found: readonly F[],
    { judge, empty, isTold }: Removal,
    isAgain: boolean,
  ): Promise<readonly [number, readonly F[]]> {
    const [visited, state] = await this.source.visit(shard, found, isAgain);
    const judged: Record<Judgement, V[]> = { live: [], dead: [], other: [] };
    for (const each of visited) judged[each.header === undefined ? empty : judge(each.header, state)].push(each);
    const { live, dead } = judged;
    return live.length + dead.length === 0 ? [0, []] : this.source.remove(shard, live, dead, isTold);
  }

  private async live(shard: S, found: readonly F[]): Promise<readonly V[]> {
    const [visited, state] = await this.source.visit(shard, found, false);
    return visited.filter(({ header }) => header !== undefined && this.isLive(header, state));
  }

  private async *batches(shard: S, selection: Selection): AsyncGenerator<readonly F[]> {
    let after: KeyId | undefined;
    do {
      const found = await this.source.find(shard, selection.view, after);
      after = this.last(found);
      const wanted = await this.matching(found, selection);
      if (wanted.length > 0) yield wanted;
    } while (after !== undefined);
  }

  /** Keys may be long: a batch of them takes as many turns as it needs. */
  private matching(found: readonly F[], { view, match }: Selection): Promise<F[]> {
    const stepsOf = ({ id }: F): number => this.source.steps + stepsToTest(match, id.length);
    return this.pace.filter(
      found,
      stepsOf,
      ({ id }) => isInView(view, id) && (match.matchesAll || this.matches(match, id)),
    );
  }

  private matches(match: Glob, id: KeyId): boolean {
    const key = visibleKeyIn(id) ?? this.skip();
    return key !== undefined && match.test(key);
  }

  /** One name that something else has written must not make listings fail for ever. */
  private skip(): undefined {
    this.source.onAlien();
  }

  private nextCursor(shards: readonly S[], number: number, found: readonly F[]): string | undefined {
    const last = this.last(found);
    if (last !== undefined) return `${number} ${last}`;
    return number + 1 < shards.length ? `${number + 1}` : undefined;
  }

  /** Where the next step goes on. Undefined: there is none. */
  private last(found: readonly F[]): KeyId | undefined {
    return found.length < this.source.batch ? undefined : found.at(-1)?.id;
  }
}

/** A cursor comes from a caller: one that never was one begins at the end. */
function parseCursor(cursor: string | undefined): [number, KeyId | undefined] {
  if (cursor === undefined) return [0, undefined];
  const [, number, after] = /^(\d{1,4})(?: (.+))?$/s.exec(cursor) ?? [];
  return [Number(number ?? Infinity), after === undefined ? undefined : storedId(after)];
}

export function totalOf(usages: readonly Usage[]): Usage {
  return { entries: sum(usages.map(({ entries }) => entries)), bytes: sum(usages.map(({ bytes }) => bytes)) };
}
