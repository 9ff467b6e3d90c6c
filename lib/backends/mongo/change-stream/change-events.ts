/**
 * What a change stream says about the documents of one cache, as messages. Values stay on the server: what is asked for
 * is which document it was, and which of its fields have other contents. Names of documents and fields are made by the
 * library (see mongo/documents), so they can be read back.
 */
import type { mongo } from 'mongoose';
import { partitionOfShard } from '../../../core/keys/partition.js';
import type { Change } from '../../../core/bus.js';
import { fingerprint } from '../../../core/keys/fingerprint.js';
import type { Partition } from '../../../core/keys/partition.js';
import { AFTER_ALL, printOf } from '../documents.js';

/**
 * - `changed`: with the mark of the value that now stands there, if one was stored
 * - `alive`: a sign of life has come round
 * - `gone`: the collection is not what it was, so nothing more will be said about it
 */
export type ChangeEvent =
  | { readonly kind: 'changed'; readonly partition: Partition; readonly change: Change; readonly mark?: string }
  | { readonly kind: 'alive' }
  | { readonly kind: 'gone' };

/** What of an event is asked for. */
export interface StreamEvent {
  readonly operationType?: unknown;
  readonly documentKey?: { readonly _id?: unknown };
  readonly updateDescription?: { readonly updatedFields?: Readonly<Record<string, unknown>> };
}

/** Undefined: the whole document is new, or gone, or the event does not say what of it. */
type Updated = Readonly<Record<string, unknown>> | undefined;

const ABOUT_DOCUMENTS: readonly string[] = Object.freeze(['insert', 'update', 'replace', 'delete']);
const ALL: Change = Object.freeze({ kind: 'all' });
const UPDATED = 'updateDescription.updatedFields';
/** What is of no use here, values above all. */
const LEFT_OUT: readonly string[] = Object.freeze([
  'fullDocument',
  ...['v', 'q', 'g', 'l', 'w'].map((field) => `${UPDATED}.${field}`),
  'ns',
  'clusterTime',
  'wallTime',
  'collectionUUID',
  'lsid',
  'txnNumber',
]);

/** Selects what concerns the copies of one cache. Leases come and go without a word. */
export function changePipeline(lead: string, beat: string): mongo.Document[] {
  const named = (kind: string): mongo.Document => ({
    'documentKey._id': { $gte: `${lead}${kind}:`, $lt: `${lead}${kind}:${AFTER_ALL}` },
  });
  const holdsValue = [
    { operationType: { $in: ['delete', 'replace'] } },
    { [`${UPDATED}.m`]: { $type: 'string' } },
    { 'fullDocument.m': { $type: 'string' } },
  ];
  const wanted = [
    { operationType: { $nin: ABOUT_DOCUMENTS } },
    { ...named('e'), $or: holdsValue },
    named('m'),
    { 'documentKey._id': beat },
  ];
  return [
    { $changeStream: {} },
    { $match: { $or: wanted } },
    { $project: Object.fromEntries(LEFT_OUT.map((path) => [path, 0])) },
  ];
}

/** Reads events of the pipeline. */
export class ChangeEventReader {
  private readonly entries: string;
  private readonly states: string;

  constructor(
    lead: string,
    private readonly beat: string,
  ) {
    this.entries = `${lead}e:`;
    this.states = `${lead}m:`;
  }

  /** Undefined: nothing that matters here. */
  read(event: StreamEvent): ChangeEvent | undefined {
    const { operationType: type, documentKey, updateDescription } = event;
    if (typeof type !== 'string' || !ABOUT_DOCUMENTS.includes(type)) return { kind: 'gone' };
    const name = documentKey?._id;
    if (typeof name !== 'string') return undefined;
    const updated = type === 'update' ? updateDescription?.updatedFields : undefined;
    if (name === this.beat) return { kind: 'alive' };
    if (name.startsWith(this.entries)) return this.ofEntry(name.slice(this.entries.length), type, updated);
    return name.startsWith(this.states) ? this.ofState(name.slice(this.states.length), updated) : undefined;
  }

  /** `<shard>:<id>`; no name of a shard contains a colon. */
  private ofEntry(words: string, type: string, updated: Updated): ChangeEvent | undefined {
    const end = words.indexOf(':');
    if (end < 0) return undefined;
    const keys = [fingerprint(words.slice(end + 1))];
    const partition = partitionOfShard(words.slice(0, end));
    if (type === 'delete') return { kind: 'changed', partition, change: { kind: 'evicted', keys } };
    const mark = updated?.['m'];
    const change = { kind: 'stored', keys } as const;
    return { kind: 'changed', partition, change, ...(typeof mark === 'string' ? { mark } : {}) };
  }

  /** Another life, or a minimum stamp: everything. Labels that were invalidated: those. Time going by: nothing. */
  private ofState(shard: string, updated: Updated): ChangeEvent | undefined {
    const partition = partitionOfShard(shard);
    const all: ChangeEvent = { kind: 'changed', partition, change: ALL };
    if (updated === undefined || 'i' in updated || 'f' in updated) return all;
    const prints = labelsIn(updated).map(printOf);
    if (prints.length === 0) return undefined;
    if (!prints.every((print) => print !== undefined)) return all;
    return { kind: 'changed', partition, change: { kind: 'labelled', prints } };
  }
}

/** Fields of labels with another stamp. The first ones of a state come as an object, all others by their paths. */
function labelsIn(updated: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(updated).flatMap(([path, value]) => {
    if (path.startsWith('t.')) return [path.slice(2)];
    if (path !== 't') return [];
    return typeof value === 'object' && value !== null ? Object.keys(value) : [path];
  });
}
