/**
 * Walks over the index of shards: listing, counting, and tidying up what has been invalidated. The index is ordered by
 * id, so the entries of a space lie together and a walk costs what it visits, not what the shard holds.
 */
import type { Page, Selection, Usage } from '../core/backend.js';
import { MAX_HEADER_BYTES, type Codec, type Header } from '../core/codec.js';
import { visibleKey, type KeyId } from '../core/key.js';
import type { Label } from '../core/label.js';
import type { View } from '../core/space.js';
import type { Argument, RedisLink } from './redis.client.js';
import { markOf, peekStored, type ServerClock } from './redis.entry.js';
import { barrierStamp, viewOf, type ShardView } from './redis.reader.js';
import { REMOVE } from './redis.scripts.js';
import type { Shard } from './redis.shard.js';

const BATCH = 200;

/** One id of the index with what stands there now. */
interface Visited {
  readonly id: KeyId;
  readonly header: Header | undefined;
  readonly mark: Buffer;
  readonly sizeBytes: number;
}

/** Decides which entries were live: given to a walk that removes, so that it counts as of when it began. */
export type Judgement = (header: Header, view: ShardView) => boolean;

export class RedisWalk {
  constructor(
    private readonly link: RedisLink,
    private readonly codec: Codec,
    private readonly serverClock: ServerClock,
  ) {}

  /** A page of live keys of one shard; the cursor is the last id seen. */
  async page(shard: Shard, { view, match }: Selection, after: string | undefined): Promise<Page> {
    const ids = await this.ids(shard, view, after);
    const wanted = ids.filter((id) => isIn(view, id) && match.test(visibleKey(id)));
    const [visited, state] = await this.visit(shard, wanted);
    const keys = visited
      .filter(({ header }) => header !== undefined && this.isLive(header, state))
      .map(({ id }) => visibleKey(id));
    return { keys, cursor: ids.length < BATCH ? undefined : ids.at(-1) };
  }

  /** Exact: every entry is looked at. */
  async usage(shard: Shard, view: View): Promise<Usage> {
    let entries = 0;
    let bytes = 0;
    for await (const [visited, state] of this.batches(shard, view, () => true)) {
      for (const { header, sizeBytes } of visited) {
        if (header === undefined || !this.isLive(header, state)) continue;
        entries++;
        bytes += sizeBytes;
      }
    }
    return { entries, bytes };
  }

  /** Removes what the view covers and matches and was born before `stamp`; how many of those `wasLive` counts. */
  async remove(shard: Shard, { view, match }: Selection, stamp: number, wasLive: Judgement): Promise<number> {
    let live = 0;
    for await (const [visited, state] of this.batches(shard, view, (id) => match.test(visibleKey(id)))) {
      const old = visited.filter(
        ({ header }) => header === undefined || header.stamp < stamp || header.incarnation !== state.incarnation,
      );
      live += old.filter(({ header }) => header !== undefined && wasLive(header, state)).length;
      if (old.length === 0) continue;
      const args: Argument[] = old.flatMap(({ id, mark }) => [id, mark]);
      await this.link.run(REMOVE, [shard.index, shard.expiries, ...old.map(({ id }) => shard.entry(id))], args);
    }
    return live;
  }

  isLive(header: Header, state: ShardView): boolean {
    return (
      header.incarnation === state.incarnation &&
      header.stamp >= barrierStamp(state, header.labels) &&
      this.serverClock.nowMs() < header.freshUntilServerMs + header.graceMs
    );
  }

  private async *batches(
    shard: Shard,
    view: View,
    wants: (id: KeyId) => boolean,
  ): AsyncGenerator<[readonly Visited[], ShardView]> {
    let after: string | undefined;
    do {
      const ids = await this.ids(shard, view, after);
      after = ids.length < BATCH ? undefined : ids.at(-1);
      yield this.visit(
        shard,
        ids.filter((id) => isIn(view, id) && wants(id)),
      );
    } while (after !== undefined);
  }

  /** Ids in their order, after the last one seen. A view of a tenant also covers `u.tenant.…`, which sorts elsewhere, so only the path of a user narrows the range. */
  private async ids(shard: Shard, view: View, after: string | undefined): Promise<KeyId[]> {
    const lead =
      view.path === undefined ? undefined : `${view.path}/${view.namespace === undefined ? '' : view.namespace}`;
    const from = after !== undefined ? `(${after}` : lead === undefined ? '(!' : `[${lead}`;
    const to = lead === undefined ? '+' : `(${lead}~`;
    const found = (await this.link.command('ZRANGEBYLEX', shard.index, from, to, 'LIMIT', 0, BATCH)) as Buffer[];
    return found.map((id) => id.toString() as KeyId);
  }

  private async visit(shard: Shard, ids: readonly KeyId[]): Promise<[readonly Visited[], ShardView]> {
    const heads = await Promise.all(
      ids.map(async (id) => {
        const key = shard.entry(id);
        const [head, length] = await Promise.all([
          this.link.command('GETRANGE', key, 0, MAX_HEADER_BYTES - 1),
          this.link.command('STRLEN', key),
        ]);
        return [head as Buffer, Number(length)] as const;
      }),
    );
    const visited = ids.map((id, at) => {
      const [head, sizeBytes] = heads[at] ?? [Buffer.alloc(0), 0];
      return {
        id,
        header: head.length === 0 ? undefined : peekStored(this.codec, id, head),
        mark: Buffer.from(markOf(head)),
        sizeBytes,
      };
    });
    const labels = [...new Set(visited.flatMap(({ header }) => header?.labels ?? []))] as Label[];
    const fields = await this.link.fields(shard.meta, ['i', 'f', ...labels]);
    return [visited, viewOf(fields, labels)];
  }
}

/** Whether an id lies in a view: `path/namespace@version/parts`. */
function isIn({ path, namespace }: View, id: KeyId): boolean {
  const [idPath, idNamespace = ''] = id.split('/', 2);
  return (
    (path === undefined || path === idPath) &&
    (namespace === undefined || namespace === (idNamespace.split('@', 1)[0] ?? ''))
  );
}
