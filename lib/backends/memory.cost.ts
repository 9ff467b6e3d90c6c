import type { Key } from '../core/key.js';

/** What an entry costs beside its value and the characters of its key: record, place in the group, head of the text. */
const ENTRY_OVERHEAD_BYTES = 144;
/** Texts up to this length are never made of pieces. */
const ALWAYS_FLAT = 12;

export function costOf({ text }: Key, sizeBytes: number): number {
  return Math.ceil(sizeBytes) + text.length + ENTRY_OVERHEAD_BYTES;
}

/** A copy that is one piece: a text put together from several takes up to twice the memory. Keys are ASCII. */
export function compact(text: string): string {
  return text.length <= ALWAYS_FLAT ? text : Buffer.from(text, 'latin1').toString('latin1');
}
