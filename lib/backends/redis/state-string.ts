/**
 * The state of a shard as its string says it, and what is remembered of its labels.
 *
 * Beside the meta hash stands one string, `format|generation|minimum stamp|last bulk invalidation|since|…`, which a hit
 * reads in the command that reads the entry. It ends with a list, `stamp|labels|stamp|labels|…`, of the labels that were
 * invalidated later than `since`. No label has a later stamp than the last bulk invalidation, so an entry that is not
 * older needs no look at its labels; one that is not older than `since`, only at the list. An older one asks the hash for
 * its labels once: their stamps cannot change while the string stays as it is, for every invalidation changes it. When it
 * changes, and the list reaches back to the string before, all are known further on: the list says which have changed.
 */
import { storedLabels, type Label } from '../../core/keys/label.js';
import type { RequiredStamp, Stamp } from '../../core/stamp.js';
import type { ServerEntry } from '../remote/stored-entry.js';
import type { Shard } from './shards.js';

/** A string of another format says nothing to us: the hash answers. */
export const STATE_FORMAT = 2;

/** What the string says, and is remembered for as long as it does. */
export interface StateString {
  readonly text: string;
  readonly bulkStamp: Stamp;
  /** What an entry has to satisfy that is not older than the last bulk invalidation. */
  readonly required: RequiredStamp;
  /** What was invalidated later than this is on the list. */
  readonly since: Stamp;
  readonly list: ReadonlyMap<Label, Stamp>;
  /** Stamps of labels, as far as they were asked for. */
  readonly stamps: Map<Label, Stamp>;
  /** Labels that were known before it changed, and are likely to be needed again. */
  readonly before: readonly Label[];
}

const ANY_FORMAT = /^\d+\|/;
/** Each stamp of the list, and those before it, has so many digits. */
export const DIGITS = 16;
const STAMP = `\\d{${DIGITS}}`;
const FORM = new RegExp(
  `^${STATE_FORMAT}\\|([\\w-]{16})\\|(\\d+)\\|(${STAMP})\\|(${STAMP})\\|((?:${STAMP}\\|[^|]+\\|)*)$`,
);
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

/** What the string has to say where the hash says this; `null`: the hash has no list, as an earlier version left it. */
export function stateText([life, minimum, bulk, list]: readonly (string | null)[]): string {
  const last = `${bulk?.padStart(DIGITS, '0')}|`;
  // As the scripts have it: a list that was not written with the last bulk invalidation says nothing.
  return `${STATE_FORMAT}|${life}|${minimum}|${list?.startsWith(last) ? list : last + last}`;
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
    const state = read(text, known);
    if (state === undefined) return undefined;
    if (known === undefined && this.known.size >= MAX_SHARDS) this.forget();
    if (known !== undefined && known.stamps !== state.stamps) this.labels -= known.stamps.size;
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

/** What it says, with what is known further on of what was known beside the string before. */
function read(text: string, known: StateString | undefined): StateString | undefined {
  const [, generation, minimum, bulk, since, listed] = FORM.exec(text) ?? [];
  if (generation === undefined || listed === undefined) return undefined;
  const list = listOf(listed);
  const said = {
    text,
    bulkStamp: Number(bulk),
    required: Object.freeze({ generation, stamp: Number(minimum) }),
    since: Number(since),
    list,
  };
  if (known === undefined) return { ...said, stamps: new Map(), before: [] };
  if (!goesOn(known, said)) return { ...said, stamps: new Map(), before: labelsOf(known) };
  const { stamps, before } = known;
  // Reads under way that are judged by the string before may meet these: a later stamp makes more invalid, never less.
  for (const [label, stamp] of list) if (stamps.has(label)) stamps.set(label, stamp);
  return { ...said, stamps, before };
}

/** Stamps and labels in turn; of a label that stands there twice the last one counts, which is the later. */
function listOf(text: string): ReadonlyMap<Label, Stamp> {
  const list = new Map<Label, Stamp>();
  const words = text.split('|');
  for (let at = 1; at < words.length; at += 2) {
    for (const label of storedLabels((words[at] ?? '').split(','))) list.set(label, Number(words[at - 1]));
  }
  return list;
}

/** Whether everything that was invalidated between two strings is on the list of the later one. */
function goesOn(
  { required, bulkStamp }: StateString,
  later: Pick<StateString, 'required' | 'since' | 'bulkStamp'>,
): boolean {
  return required.generation === later.required.generation && bulkStamp >= later.since && bulkStamp < later.bulkStamp;
}

/** What an entry has to satisfy. Undefined: that is for the hash to say, which was not asked for one of its labels yet. */
export function requiredBy(state: StateString, entry: ServerEntry): RequiredStamp | undefined {
  const { required, since } = state;
  if (entry.stamp >= state.bulkStamp || entry.stamp < required.stamp || entry.generation !== required.generation)
    return required;
  let { stamp } = required;
  for (const label of entry.labels) {
    const known = stampOf(state, label);
    if (known === undefined) {
      if (entry.stamp >= since) continue;
      return undefined;
    }
    // What is no number is newer than everything: Math.max makes it NaN, which nothing satisfies.
    stamp = Math.max(stamp, known);
  }
  return stamp === required.stamp ? required : { generation: required.generation, stamp };
}

/** Undefined: it has to be asked for, or is not later than `since`. */
export function stampOf({ list, stamps }: StateString, label: Label): Stamp | undefined {
  return list.get(label) ?? stamps.get(label);
}

/** Those remembered last are asked for again, also where nothing was needed since the string changed. */
function labelsOf({ stamps, before }: StateString): readonly Label[] {
  return stamps.size === 0 ? before : [...stamps.keys()].slice(-MAX_BEFORE);
}
