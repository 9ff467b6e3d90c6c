/**
 * The state of a shard as its string says it, and what is remembered of its labels.
 *
 * Beside the meta hash stands one string, `format|generation|minimum stamp|last bulk invalidation`, which a hit reads in
 * the command that reads the entry. No label has a later stamp than the last bulk invalidation, so an entry that is not
 * older needs no look at its labels. An older one asks the hash for them once: their stamps cannot change while the string
 * stays as it is, for every invalidation changes it.
 */
import type { Label } from '../../core/keys/label.js';
import type { RequiredStamp, Stamp } from '../../core/stamp.js';
import type { ServerEntry } from '../remote/stored-entry.js';
import type { Shard } from './shards.js';

/** A string of another format says nothing to us: the hash answers. */
export const STATE_FORMAT = 1;

/** What the string says, and is remembered for as long as it does. */
export interface StateString {
  readonly text: string;
  readonly bulkStamp: Stamp;
  /** What an entry has to satisfy that is not older than the last bulk invalidation. */
  readonly required: RequiredStamp;
  /** Stamps of labels, as far as they were asked for. */
  readonly stamps: Map<Label, Stamp>;
  /** Labels that were known before it changed, and are likely to be needed again. */
  readonly before: readonly Label[];
}

const ANY_FORMAT = /^\d+\|/;
const FORM = new RegExp(`^${STATE_FORMAT}\\|([\\w-]{16})\\|(\\d+)\\|(\\d+)$`);
const MAX_SHARDS = 10_000;
/** Labels of one shard that are remembered, and of all shards together. */
const MAX_LABELS = 1_024;
const MAX_ALL_LABELS = 100_000;
/** Labels that are asked for again when the string has changed. */
const MAX_BEFORE = 128;

/** Whether some version may have written it. */
export function isOfAnyFormat(bytes: Buffer): boolean {
  return ANY_FORMAT.test(bytes.toString('latin1', 0, 8));
}

/** State strings as last read. */
export class StateStrings {
  private known = new Map<Shard, StateString>();
  private labels = 0;
  /** How many servers have answered so far: two answers of one reading have to be of one. */
  servers = 1;

  /** Undefined: of another format, or none of ours. */
  of(shard: Shard, bytes: Buffer): StateString | undefined {
    const text = bytes.toString('latin1');
    const known = this.known.get(shard);
    if (known?.text === text) return known;
    const [, generation, minimumStamp, bulkStamp] = FORM.exec(text) ?? [];
    if (generation === undefined) return undefined;
    const state: StateString = {
      text,
      bulkStamp: Number(bulkStamp),
      required: Object.freeze({ generation, stamp: Number(minimumStamp) }),
      stamps: new Map(),
      before: known === undefined ? [] : labelsOf(known),
    };
    if (known !== undefined) this.labels -= known.stamps.size;
    else if (this.known.size >= MAX_SHARDS) this.forget();
    this.known.set(shard, state);
    return state;
  }

  /** Only what is current is remembered. What a read needs it keeps itself: any of this may be gone at any time. */
  note(shard: Shard, state: StateString, stamps: ReadonlyMap<Label, Stamp>): void {
    if (this.known.get(shard) !== state) return;
    const { size } = state.stamps;
    if (size + stamps.size > MAX_LABELS) state.stamps.clear();
    for (const [label, stamp] of stamps) if (state.stamps.size < MAX_LABELS) state.stamps.set(label, stamp);
    this.labels += state.stamps.size - size;
    if (this.labels > MAX_ALL_LABELS) this.forget();
  }

  /** Another server answers: two servers may have counted the same stamp for different labels. */
  meetAnother(): void {
    this.servers++;
    this.forget();
  }

  private forget(): void {
    this.known = new Map();
    this.labels = 0;
  }
}

/** What an entry has to satisfy. Undefined: that is for the hash to say, which was not asked for one of its labels yet. */
export function requiredBy(state: StateString, entry: ServerEntry): RequiredStamp | undefined {
  const { required, stamps } = state;
  if (entry.stamp >= state.bulkStamp || entry.stamp < required.stamp || entry.generation !== required.generation)
    return required;
  let { stamp } = required;
  for (const label of entry.labels) {
    const known = stamps.get(label);
    if (known === undefined) return undefined;
    // What is no number is newer than everything: Math.max makes it NaN, which nothing satisfies.
    stamp = Math.max(stamp, known);
  }
  return stamp === required.stamp ? required : { generation: required.generation, stamp };
}

/** Those remembered last are asked for again, also where nothing was needed since the string changed. */
function labelsOf({ stamps, before }: StateString): readonly Label[] {
  return stamps.size === 0 ? before : [...stamps.keys()].slice(-MAX_BEFORE);
}
