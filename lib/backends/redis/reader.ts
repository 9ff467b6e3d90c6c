import { isPending, type Awaitable } from '../../core/async/awaitable.js';
import type { Reading } from '../../core/backend.js';
import type { Key, KeyId } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { RequiredStamp, Stamp } from '../../core/stamp.js';
import type { RedisConnection } from './connection/connection.js';
import { Coalesced, failAll, type Asked } from '../remote/coalesced.js';
import { requiredStamp, type ShardState } from '../remote/shard-state.js';
import type { EntryOpener, ServerEntry } from '../remote/stored-entry.js';
import type { RedisPool } from './connection/pool.js';
import { DISCARD } from './scripts/discard.js';
import type { Shard } from './shards.js';
import { isOfAnyFormat, requiredBy, stampOf, StateStrings, type StateString } from './state-string.js';
import type { StateWatch } from './state-watch.js';

type Asking = Asked<Key, Reading>;

/** What stands there, where the string does not decide whether it is valid. */
interface Found extends Pick<Asking, 'resolve' | 'reject'> {
  readonly entry: ServerEntry;
}

/** Bytes that tell an entry from what may have taken its place: the first of them differ between any two sealings. */
const MAX_COMPARED = 1_024;
/** Keys that one command asks for. More are spread over several, so that no answer holds up the others for long. */
const MAX_BATCH = 256;
/** Nothing is valid by it. */
const NOTHING: ShardState = Object.freeze({ generation: '', minimumStamp: 0, stamps: new Map() });
/** What does not stand there has nothing to survive. */
export const NOT_THERE: Reading = Object.freeze({
  entry: undefined,
  required: Object.freeze({ generation: '', stamp: 0 }),
  level: 'l2',
});

/**
 * Reads of one turn of the event loop for one shard share one MGET of the entries and the state string. What that does not
 * decide, the meta hash is asked. Stamps only ever rise, so it may be asked later: an invalidation that settled before the
 * entries were read shows in it.
 *
 * By calls instead of promises, as long as nothing more has to be asked: a promise for each step costs a tenth of a hit.
 */
export class RedisReader {
  private readonly states = new StateStrings();

  constructor(
    private readonly pool: RedisPool,
    private readonly opener: EntryOpener,
    private readonly watch: StateWatch,
  ) {}

  read(shard: Shard, key: Key): Promise<Reading> {
    return this.reads.ask(shard, key);
  }

  /** Another server answers than before. */
  forget(): void {
    this.states.meetAnother();
  }

  /** What an entry has to survive; labels the state does not know are asked for. */
  async required(shard: Shard, entry: ServerEntry, state: ShardState): Promise<RequiredStamp> {
    const unknown = entry.labels.filter((label) => !state.stamps.has(label));
    if (unknown.length === 0) return requiredOf(state, entry);
    const fields = await this.pool.pick().fields(shard.meta, ['i', 'f', ...unknown]);
    const later = stateOf(fields, unknown);
    // It can only say more: a shard that has been reborn meanwhile makes everything invalid.
    if (later.generation !== state.generation) return requiredOf(NOTHING, entry);
    return requiredOf({ ...later, stamps: new Map([...state.stamps, ...later.stamps]) }, entry);
  }

  private readonly answer = (shard: Shard, asked: readonly Asking[]): undefined => {
    const connection = this.pool.pick();
    /** Where the names of the entries are asked for: a key that is read twice in a turn is asked for once. */
    const places = new Map<KeyId, number>();
    const names: string[] = [];
    for (const { question } of asked) {
      if (!places.has(question.id)) places.set(question.id, names.push(shard.entry(question.id)) - 1);
    }
    const failed = (error: unknown): void => failAll(asked, error);
    const answered = (values: readonly (Buffer | null)[], said: Buffer | null): void => {
      try {
        const state = said === null ? undefined : this.states.of(shard, said);
        if (state !== undefined) this.watch.look(shard, state);
        // What is no state string of any version may have been put there; or answers have shifted.
        else if (said !== null && !isOfAnyFormat(said)) connection.verify();
        const found: Found[] = [];
        for (const asking of asked) {
          const bytes = values[places.get(asking.question.id) as number];
          const entry = bytes == null ? undefined : this.open(connection, shard, asking.question, bytes);
          if (entry === undefined) asking.resolve(NOT_THERE);
          else if (isPending(entry)) this.settleLate(connection, shard, state, asking, entry);
          else if (!settled(asking, entry, state)) found.push({ ...asking, entry });
        }
        if (found.length > 0) this.askHash(connection, shard, state, found);
      } catch (error) {
        failed(error);
      }
    };
    connection.values(names, shard.state, answered, failed);
  };

  private readonly reads = new Coalesced<Shard, Key, Reading>(MAX_BATCH, this.answer);

  /** A value that takes another turn to open is judged by what was read with it. */
  private settleLate(
    connection: RedisConnection,
    shard: Shard,
    state: StateString | undefined,
    asking: Asking,
    opening: Promise<ServerEntry | undefined>,
  ): void {
    const settle = (entry: ServerEntry | undefined): void => {
      if (entry === undefined) asking.resolve(NOT_THERE);
      else if (!settled(asking, entry, state)) this.askHash(connection, shard, state, [{ ...asking, entry }]);
    };
    opening.then(settle).catch(asking.reject);
  }

  private askHash(
    connection: RedisConnection,
    shard: Shard,
    said: StateString | undefined,
    found: readonly Found[],
  ): void {
    const { servers } = this.states;
    const asking = async (): Promise<void> => {
      const heard = await (said === undefined
        ? this.readHash(connection, shard, found)
        : this.learn(connection, shard, said, found));
      // What one server says of labels says nothing of what another has stored.
      const state = this.states.servers === servers ? heard : NOTHING;
      if (said === undefined && state.generation !== '') this.watch.look(shard, undefined);
      for (const { resolve, entry } of found) resolve({ entry, required: requiredOf(state, entry), level: 'l2' });
    };
    asking().catch((error: unknown) => failAll(found, error));
  }

  /**
   * Stamps of labels, for as long as the string stays as it is. A hash that has moved on meanwhile says more, never less.
   * One that is behind the string, or of another life, makes nothing valid.
   */
  private async learn(
    connection: RedisConnection,
    shard: Shard,
    said: StateString,
    found: readonly Found[],
  ): Promise<ShardState> {
    const { generation, stamp: minimumStamp } = said.required;
    /** What these entries need, kept here: the memory of labels may be emptied at any time. */
    const stamps = new Map<Label, Stamp>();
    const unknown = new Set<Label>(said.stamps.size === 0 ? said.before : []);
    for (const { entry } of found) {
      for (const label of entry.labels) {
        const known = stampOf(said, label);
        if (known === undefined) unknown.add(label);
        else stamps.set(label, known);
      }
    }
    const labels = [...unknown];
    const [life, minimum, bulk, ...values] = await connection.fields(shard.meta, ['i', 'f', 'b', ...labels]);
    if (life !== generation || Number(minimum) < minimumStamp || Number(bulk) < said.bulkStamp) return NOTHING;
    for (const [at, label] of labels.entries()) stamps.set(label, Number(values[at] ?? 0));
    if (Number(minimum) === minimumStamp && Number(bulk) === said.bulkStamp) this.states.note(shard, said, stamps);
    return { generation, minimumStamp: Number(minimum), stamps };
  }

  private async readHash(connection: RedisConnection, shard: Shard, found: readonly Found[]): Promise<ShardState> {
    const labels = [...new Set(found.flatMap(({ entry }) => entry.labels))];
    return stateOf(await connection.fields(shard.meta, ['i', 'f', ...labels]), labels);
  }

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

/** False: the hash has to say what the entry has to survive. */
function settled({ resolve }: Asking, entry: ServerEntry, state: StateString | undefined): boolean {
  const required = state && requiredBy(state, entry);
  if (required !== undefined) resolve({ entry, required, level: 'l2' });
  return required !== undefined;
}

/** Fields `i f label…` as a state. A shard without meta has no generation, so nothing in it is valid. */
export function stateOf(fields: readonly (string | null)[], labels: readonly Label[]): ShardState {
  const [generation, minimumStamp] = fields;
  const stamps = new Map<Label, number>();
  for (const [at, label] of labels.entries()) stamps.set(label, Number(fields[at + 2] ?? 0));
  return { generation: generation ?? '', minimumStamp: Number(minimumStamp ?? 0), stamps };
}

function requiredOf(state: ShardState, { labels }: ServerEntry): RequiredStamp {
  return { generation: state.generation, stamp: requiredStamp(state, labels) };
}
