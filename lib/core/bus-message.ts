/**
 * Messages as text: `1|<shard>|<origin>|<kind>|<items>` as the sender writes it, and `|<life>|<sequence>` as the server
 * adds it when it makes the change. Names contain neither `|` nor `,`.
 */
import type { BusMessage, Change } from './bus.js';
import { storedLabels } from './label.js';
import type { Partition } from './space.js';

/** A message with its place in the numbering of a shard. */
export interface Numbered extends BusMessage {
  readonly shard: string;
  /** One life of the shard; another one numbers anew. */
  readonly life: string;
  readonly sequence: number;
}

const MAX_ITEMS = 500;
/** Longer ones say 'everything' instead: more than was asked for, never less. */
export const MAX_MESSAGE_LENGTH = 4_096;

const FORM =
  /^1\|((?:g|t\.[^.|]{1,768})(?:\.\d{1,3}\.\d{1,3})?)\|([\w-]{1,32})\|([esla])\|([^|]*)\|([\w-]{0,32})\|(\d{1,16})$/;
const FINGERPRINT = /^[0-9a-f]{1,8}$/;
const LABEL = /^[a-z]{1,2}:[^,|\s]{1,2000}$/;
const KINDS = Object.freeze({ evicted: 'e', stored: 's', labels: 'l', all: 'a' });
const TAIL_LENGTH = 64;

/** What the sender hands to the server. */
export function announcement(shard: string, origin: string, change: Change): string {
  const items =
    change.kind === 'all'
      ? []
      : change.kind === 'labels'
        ? change.labels
        : change.keys.map((fingerprint) => fingerprint.toString(16));
  const text = `1|${shard}|${origin}|${KINDS[change.kind]}|${items.join(',')}`;
  const isTooLong = items.length > MAX_ITEMS || text.length > MAX_MESSAGE_LENGTH - TAIL_LENGTH;
  return isTooLong ? `1|${shard}|${origin}|a|` : text;
}

/** Undefined: this is no message. */
export function parseMessage(text: string): Numbered | undefined {
  if (text.length > MAX_MESSAGE_LENGTH) return undefined;
  const [, shard = '', origin = '', kind = '', items = '', life = '', sequence] = FORM.exec(text) ?? [];
  if (sequence === undefined) return undefined;
  const change = changeOf(kind, items === '' ? [] : items.split(','));
  if (change === undefined) return undefined;
  const partition = shard.replace(/\.\d+\.\d+$/, '') as Partition;
  return { shard, partition, origin, change, life, sequence: Number(sequence) };
}

function changeOf(kind: string, items: readonly string[]): Change | undefined {
  if (items.length > MAX_ITEMS) return undefined;
  if (kind === 'a') return { kind: 'all' };
  if (kind === 'l') {
    return items.every((item) => LABEL.test(item)) ? { kind: 'labels', labels: storedLabels(items) } : undefined;
  }
  if (!items.every((item) => FINGERPRINT.test(item))) return undefined;
  return { kind: kind === 'e' ? 'evicted' : 'stored', keys: items.map((item) => Number.parseInt(item, 16)) };
}
