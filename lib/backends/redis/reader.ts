import { afterThisTurn } from '../../core/clock.js';
import { isPending, type Awaitable } from '../../core/async/awaitable.js';
import type { Reading } from '../../core/backend.js';
import type { Key, KeyId } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { RequiredStamp } from '../../core/stamp.js';
import type { RedisConnection } from './connection/connection.js';
import type { EntryOpener, ServerEntry } from '../remote/stored-entry.js';
import type { RedisPool } from './connection/pool.js';
import { DISCARD } from './scripts/discard.js';
import type { Shard } from './shards.js';

/** What one read of a shard's meta hash said: its life, its minimum stamp, and the stamps of some labels. */
export interface ShardView {
  readonly generation: string;
  readonly minimumStamp: number;
  readonly stamps: ReadonlyMap<Label, number>;
}

interface Waiting {
  readonly key: Key;
  readonly labels: readonly Label[];
  readonly resolve: (reading: Reading) => void;
  readonly reject: (error: unknown) => void;
}

/** Bytes that tell an entry from what may have taken its place: the first of them differ between any two sealings. */
const MAX_COMPARED = 1_024;
/** Keys that one command asks for. More are spread over several, so that no answer holds up the others for long. */
const MAX_BATCH = 256;

/**
 * Reads of one turn of the event loop for one shard share one MGET of the entries and one HMGET of the shard's state.
 * Stamps only ever rise, so the two may be answered in any order: an invalidation that settled before either was sent
 * shows in the second.
 */
export class RedisReader {
  private readonly waiting = new Map<Shard, Waiting[]>();

  constructor(
    private readonly pool: RedisPool,
    private readonly opener: EntryOpener,
  ) {}

  read(shard: Shard, key: Key): Promise<Reading> {
    return new Promise((resolve, reject) => {
      const waiting = this.waiting.get(shard);
      // Made here: tags that are no tags are their caller's error, and not that of everybody who asks at the same time.
      const mine = { key, labels: key.labels, resolve, reject };
      if (waiting !== undefined && waiting.length < MAX_BATCH) {
        waiting.push(mine);
        return;
      }
      const batch = [mine];
      this.waiting.set(shard, batch);
      // After the promises of this turn have run, and with them everybody who asks in the same moment.
      afterThisTurn(() => {
        if (this.waiting.get(shard) === batch) this.waiting.delete(shard);
        this.flush(shard, batch).catch((error: unknown) => {
          for (const { reject: fail } of batch) fail(error);
        });
      });
    });
  }

  /** What an entry has to survive; labels the view does not know are asked for. */
  async required(shard: Shard, entry: ServerEntry | undefined, view: ShardView): Promise<RequiredStamp> {
    const unknown = unknownLabels([entry], view);
    const known = unknown.length === 0 ? view : await this.learn(this.pool.pick(), shard, view, unknown);
    return requiredOf(known, entry);
  }

  private async flush(shard: Shard, batch: readonly Waiting[]): Promise<void> {
    const connection = this.pool.pick();
    const labels = [...new Set(batch.flatMap((each) => each.labels))];
    const ids = [...new Set(batch.map(({ key }) => key.id))];
    const [values, fields] = await connection.readWithFields(
      ids.map((id) => shard.entry(id)),
      shard.meta,
      ['i', 'f', ...labels],
    );
    const bytesOf = new Map(ids.map((id, at) => [id, values[at] ?? undefined]));
    const opened = batch.map(({ key }) => {
      const bytes = bytesOf.get(key.id);
      return bytes === undefined ? undefined : this.open(connection, shard, key, bytes);
    });
    const entries = opened.some(isPending) ? await Promise.all(opened) : (opened as (ServerEntry | undefined)[]);
    const view = viewOf(fields, labels);
    const unknown = unknownLabels(entries, view);
    const known = unknown.length === 0 ? view : await this.learn(connection, shard, view, unknown);
    for (const [at, { resolve }] of batch.entries()) {
      resolve({ entry: entries[at], required: requiredOf(known, entries[at]), level: 'l2' });
    }
  }

  private open(
    connection: RedisConnection,
    shard: Shard,
    { id }: Key,
    bytes: Buffer,
  ): Awaitable<ServerEntry | undefined> {
    const opened = this.opener.open(id, bytes);
    const check = (entry: ServerEntry | undefined): ServerEntry | undefined => {
      if (entry !== undefined) return entry;
      connection.verify();
      if (this.opener.isRuined(bytes)) discard(connection, shard, id, bytes);
      return undefined;
    };
    return isPending(opened) ? opened.then(check) : check(opened);
  }

  /** Asked later than the view, so it can only say more: a shard that has been reborn meanwhile makes everything invalid. */
  private async learn(
    connection: RedisConnection,
    shard: Shard,
    view: ShardView,
    labels: readonly Label[],
  ): Promise<ShardView> {
    const fields = await connection.fields(shard.meta, ['i', 'f', ...labels]);
    const later = viewOf(fields, labels);
    return {
      generation: later.generation === view.generation ? later.generation : '',
      minimumStamp: later.minimumStamp,
      stamps: new Map([...view.stamps, ...later.stamps]),
    };
  }
}

/**
 * Damage is removed by the reader that finds it: otherwise each reader would fetch it again, and a listing name it.
 * Only what was read goes; what has been stored there since stays. No caller waits for the removal, and where it fails
 * the next reader does it.
 */
function discard(connection: RedisConnection, shard: Shard, id: KeyId, bytes: Buffer): void {
  const head = bytes.subarray(0, MAX_COMPARED);
  connection
    .run(DISCARD, [shard.entry(id), shard.index, shard.expiries], [bytes.length, head, id])
    .catch(() => undefined);
}

/** Fields `i f label…` as a view. A shard without meta has no generation, so nothing in it is valid. */
export function viewOf(fields: readonly (string | null)[], labels: readonly Label[]): ShardView {
  const [generation, minimumStamp, ...stamps] = fields;
  return {
    generation: generation ?? '',
    minimumStamp: Number(minimumStamp ?? 0),
    stamps: new Map(labels.map((label, at) => [label, Number(stamps[at] ?? 0)])),
  };
}

export function requiredStamp(view: ShardView, labels: readonly Label[]): number {
  let stamp = view.minimumStamp;
  for (const label of labels) stamp = Math.max(stamp, view.stamps.get(label) ?? 0);
  return stamp;
}

function requiredOf(view: ShardView, entry: ServerEntry | undefined): RequiredStamp {
  return { generation: view.generation, stamp: requiredStamp(view, entry?.labels ?? []) };
}

function unknownLabels(entries: readonly (ServerEntry | undefined)[], view: ShardView): readonly Label[] {
  const unknown = new Set<Label>();
  for (const entry of entries) {
    for (const label of entry?.labels ?? []) if (!view.stamps.has(label)) unknown.add(label);
  }
  return [...unknown];
}
