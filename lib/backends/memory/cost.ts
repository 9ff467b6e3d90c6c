/**
 * What things occupy in this process, as V8 lays them out with words of eight bytes. Estimates: held against the heap by
 * the specs of what is held.
 */
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Space } from '../../core/keys/space.js';

/** An entry beside its value and the characters of its key: record, place in the group, head of the text. */
const ENTRY_BYTES = 144;
/** The same with a node in the LRU list of its tenant; and for an L1 copy, with what it is checked by. */
export const QUOTA_BYTES = 56;
export const COPY_BYTES = 200;
/** Shared metadata: the object, its required stamp, its slot in the group's map, its list of labels. */
const METADATA_BYTES = 200;
/** A label in a list, and one whose stamp is kept, beside their characters. */
const LABEL_BYTES = 32;
export const STAMPED_LABEL_BYTES = 88;
/** The entries of one space, and one tenant. */
const GROUP_BYTES = 270;
export const PARTITION_BYTES = 230;
/** Texts up to this length are never made of pieces. */
const ALWAYS_FLAT = 12;

/** @param moreBytes what every record of this store has beside */
export function costOf({ text }: Key, sizeBytes: number, moreBytes: number): number {
  return Math.ceil(sizeBytes) + text.length + ENTRY_BYTES + moreBytes;
}

/** Labels of the space are kept by it; with tags, an entry has a list of its own. */
export function metadataBytes(labels: readonly Label[], areOfSpace: boolean): number {
  if (areOfSpace) return METADATA_BYTES;
  let bytes = METADATA_BYTES;
  for (const label of labels) bytes += LABEL_BYTES + label.length;
  return bytes;
}

export function groupBytes({ name, idPrefix }: Space): number {
  return GROUP_BYTES + name.length + idPrefix.length;
}

/** A copy that is one piece: a text put together from several takes up to twice the memory. Keys are ASCII. */
export function compact(text: string): string {
  return text.length <= ALWAYS_FLAT ? text : Buffer.from(text, 'latin1').toString('latin1');
}

/** Flattens texts in place: reading one character makes V8 store them in one piece. */
export function flatten(texts: readonly string[]): void {
  for (const text of texts) text.charCodeAt(0);
}
