/**
 * Messages as text: `1|<shard>|<origin>|<kind>|<items>` as the sender writes it, and `|<life>|<sequence>` as it is added by
 * what numbers it: the server that makes the change, or the sending process. Names contain neither `|` nor `,`.
 */
import type { BusMessage, Change } from './bus.js';
import { storedLabels } from './keys/label.js';
import { partitionOfShard, type Partition } from './keys/partition.js';

/** A message with its place in a numbering. */
export interface Numbered extends Omit<BusMessage, 'partition'> {
  readonly shard: string;
  /** Undefined: it concerns all partitions. */
  readonly partition: Partition | undefined;
  /** One life of what numbers: of the shard, or of the sender. Another one numbers anew. */
  readonly life: string;
  readonly sequence: number;
}

const MAX_ITEMS = 500;
/** Longer ones say 'everything' instead: more than was asked for, never less. */
export const MAX_MESSAGE_LENGTH = 4_096;
/** Stands for all partitions where a shard would stand. */
export const ALL_PARTITIONS = '*';

const FORM =
  /^1\|(\*|(?:g|t\.[^.|]{1,768})(?:\.\d{1,3}\.\d{1,3})?)\|([\w-]{1,32})\|([eslfa])\|([^|]*)\|([\w-]{0,32})\|(\d{1,16})$/;
const FINGERPRINT = /^[0-9a-f]{1,8}$/;
const LABEL = /^[a-z]{1,2}:[^,|\s]{1,2000}$/;
const KINDS = Object.freeze({ evicted: 'e', stored: 's', labels: 'l', labelled: 'f', all: 'a' });
const TAIL_LENGTH = 64;

/** What the sender says, without its number. */
export function announcement(shard: string, origin: string, change: Change): string {
  const items = itemsOf(change);
  const text = `1|${shard}|${origin}|${KINDS[change.kind]}|${items.join(',')}`;
  const isTooLong = items.length > MAX_ITEMS || text.length > MAX_MESSAGE_LENGTH - TAIL_LENGTH;
  return isTooLong ? `1|${shard}|${origin}|a|` : text;
}

function itemsOf(change: Change): readonly string[] {
  switch (change.kind) {
    case 'all':
      return [];
    case 'labels':
      return change.labels;
    case 'labelled':
      return change.prints.map((print) => print.toString(16));
    default:
      return change.keys.map((print) => print.toString(16));
  }
}

/** Undefined: this is no message. */
export function parseMessage(text: string): Numbered | undefined {
  if (text.length > MAX_MESSAGE_LENGTH) return undefined;
  const [, shard = '', origin = '', kind = '', items = '', life = '', sequence] = FORM.exec(text) ?? [];
  if (sequence === undefined) return undefined;
  const change = changeOf(kind, items === '' ? [] : items.split(','));
  if (change === undefined) return undefined;
  const partition = shard === ALL_PARTITIONS ? undefined : partitionOfShard(shard);
  return { shard, partition, origin, change, life, sequence: Number(sequence) };
}

function changeOf(kind: string, items: readonly string[]): Change | undefined {
  if (items.length > MAX_ITEMS) return undefined;
  if (kind === 'a') return { kind: 'all' };
  if (kind === 'l') {
    return items.every((item) => LABEL.test(item)) ? { kind: 'labels', labels: storedLabels(items) } : undefined;
  }
  if (!items.every((item) => FINGERPRINT.test(item))) return undefined;
  const prints = items.map((item) => Number.parseInt(item, 16));
  if (kind === 'f') return { kind: 'labelled', prints };
  return { kind: kind === 'e' ? 'evicted' : 'stored', keys: prints };
}
