import { isPending, type Awaitable } from '../../core/async/awaitable.js';
import type { Reading } from '../../core/backend.js';
import type { Key, KeyId } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { RequiredStamp } from '../../core/stamp.js';
import type { RedisConnection } from './connection/connection.js';
import { Coalesced, type Asked } from '../remote/coalesced.js';
import { requiredStamp, type ShardState } from '../remote/shard-state.js';
import type { EntryOpener, ServerEntry } from '../remote/stored-entry.js';
import type { RedisPool } from './connection/pool.js';
import { DISCARD } from './scripts/discard.js';
import type { Shard } from './shards.js';

interface Question {
  readonly key: Key;
  readonly labels: readonly Label[];
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
  constructor(
    private readonly pool: RedisPool,
    private readonly opener: EntryOpener,
  ) {}

  read(shard: Shard, key: Key): Promise<Reading> {
    try {
      return this.reads.ask(shard, { key, labels: key.labels });
    } catch (error) {
      // Tags that are no tags are the error of their caller, and not that of all that ask at the same time.
      return Promise.reject(error as Error);
    }
  }

  /** What an entry has to survive; labels the state does not know are asked for. */
  async required(shard: Shard, entry: ServerEntry | undefined, state: ShardState): Promise<RequiredStamp> {
    const unknown = unknownLabels([entry], state);
    const known = unknown.length === 0 ? state : await this.learn(this.pool.pick(), shard, state, unknown);
    return requiredOf(known, entry);
  }

  private readonly answer = async (shard: Shard, asked: readonly Asked<Question, Reading>[]): Promise<void> => {
    const connection = this.pool.pick();
    const labels = new Set<Label>();
    /** Where the names of the entries are asked for: a key that is read twice in a turn is asked for once. */
    const places = new Map<KeyId, number>();
    const names: string[] = [];
    for (const { question } of asked) {
      for (const label of question.labels) labels.add(label);
      if (!places.has(question.key.id)) places.set(question.key.id, names.push(shard.entry(question.key.id)) - 1);
    }
    const [values, fields] = await connection.readWithFields(names, shard.meta, ['i', 'f', ...labels]);
    const opened: Awaitable<ServerEntry | undefined>[] = [];
    for (const { question } of asked) {
      const bytes = values[places.get(question.key.id) as number];
      opened.push(bytes == null ? undefined : this.open(connection, shard, question.key, bytes));
    }
    const entries = opened.some(isPending) ? await Promise.all(opened) : (opened as (ServerEntry | undefined)[]);
    const state = stateOf(fields, [...labels]);
    const unknown = unknownLabels(entries, state);
    const known = unknown.length === 0 ? state : await this.learn(connection, shard, state, unknown);
    for (const [at, { resolve }] of asked.entries()) {
      resolve({ entry: entries[at], required: requiredOf(known, entries[at]), level: 'l2' });
    }
  };

  private readonly reads = new Coalesced<Shard, Question, Reading>(MAX_BATCH, this.answer);

  private open(
    connection: RedisConnection,
    shard: Shard,
    { id }: Key,
    bytes: Buffer,
  ): Awaitable<ServerEntry | undefined> {
    const opened = this.opener.open(id, bytes);
    if (opened !== undefined && !isPending(opened)) return opened;
    const check = (entry: ServerEntry | undefined): ServerEntry | undefined => {
      if (entry !== undefined) return entry;
      connection.verify();
      if (this.opener.isRuined(bytes)) discard(connection, shard, id, bytes);
      return undefined;
    };
    return isPending(opened) ? opened.then(check) : check(opened);
  }

  /**
   * Asked later than the state, so it can only say more: a shard that has been reborn meanwhile makes everything
   * invalid.
   */
  private async learn(
    connection: RedisConnection,
    shard: Shard,
    state: ShardState,
    labels: readonly Label[],
  ): Promise<ShardState> {
    const fields = await connection.fields(shard.meta, ['i', 'f', ...labels]);
    const later = stateOf(fields, labels);
    return {
      generation: later.generation === state.generation ? later.generation : '',
      minimumStamp: later.minimumStamp,
      stamps: new Map([...state.stamps, ...later.stamps]),
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

/** Fields `i f label…` as a state. A shard without meta has no generation, so nothing in it is valid. */
export function stateOf(fields: readonly (string | null)[], labels: readonly Label[]): ShardState {
  const [generation, minimumStamp] = fields;
  const stamps = new Map<Label, number>();
  for (const [at, label] of labels.entries()) stamps.set(label, Number(fields[at + 2] ?? 0));
  return { generation: generation ?? '', minimumStamp: Number(minimumStamp ?? 0), stamps };
}

function requiredOf(state: ShardState, entry: ServerEntry | undefined): RequiredStamp {
  const { generation, minimumStamp } = state;
  return { generation, stamp: entry === undefined ? minimumStamp : requiredStamp(state, entry.labels) };
}

function unknownLabels(entries: readonly (ServerEntry | undefined)[], state: ShardState): readonly Label[] {
  const unknown = new Set<Label>();
  for (const entry of entries) {
    for (const label of entry?.labels ?? []) if (!state.stamps.has(label)) unknown.add(label);
  }
  return [...unknown];
}
