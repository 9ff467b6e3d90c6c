/** The state of the machine behind variants of the state string, and its rules. */
import type { Entry, Lease, Shard } from './whole.state.js';
import { NOTHING, pack } from './key.js';

export const STRING_GUARDS = [
  /** An invalidation removes the string before it looks whether there is a hash. */
  'removedFirst',
  /** An invalidation that finds a hash says what it has become, in the same step. */
  'saidWithInvalidation',
  /** A script that makes a hash writes the string with it. */
  'saidWithHash',
  /** The string is written again in the step that reads the hash. */
  'saidInOneStep',
  /** An entry older than the last bulk invalidation is judged by its labels. */
  'bulkCompared',
  /** What was learnt of labels is used beside the string it was learnt beside, and no other. */
  'labelsOfVersion',
  /** What the hash says of labels counts only if the hash says the same as the string. */
  'comparedWhenLearnt',
  /** A read is judged by what it has learnt itself, whatever was forgotten meanwhile. */
  'ownLabels',
  /** When another server answers, what was learnt of labels is forgotten. */
  'forgetsWithServer',
  /** A read that two servers have answered is a miss. */
  'oneServer',
  /** Now and then the hash is looked at beside the string. */
  'checked',
  /** What clears everything looks for strings as well as for hashes. */
  'clearFindsStrings',
] as const;

export type StringGuard = (typeof STRING_GUARDS)[number];
export type StringGuards = Readonly<Record<StringGuard, boolean>>;
export type StringThreat = 'stringLoss' | 'hashLoss' | 'stringRestored' | 'hashRestored' | 'failover';
/** `findShards` and `clearFound` are a walk: of what the names say that there is, then a step for each shard. */
export type StringStep =
  'commit' | 'invalidate' | 'invalidateOther' | 'clearEverything' | 'findShards' | 'clearFound' | 'evict' | 'settle';

export interface StringRules {
  /** Process of each reader. */
  readonly readers: readonly number[];
  /** What the one writer does, in order. */
  readonly writer: readonly StringStep[];
  readonly without?: readonly StringGuard[];
  readonly threats?: readonly StringThreat[];
  /** @default 1 */
  readonly mishaps?: number;
}

/** What the string says. */
export interface Said {
  readonly generation: number;
  readonly minimumStamp: number;
  readonly bulk: number;
}

/** What a process knows of the one label that every entry here carries. */
export interface Known extends Said {
  readonly label: number;
}

export interface Dump {
  readonly shard: Shard;
  readonly said: Said | null;
  /** How far the writer was. */
  readonly writerAt: number;
}

export interface StringProcess {
  owed: number;
  known: Known | null;
  flight: Lease | null;
}

export const AT = {
  idle: 0,
  read: 1,
  hash: 2,
  labels: 3,
  judge: 4,
  lease: 5,
  load: 6,
  fill: 7,
  join: 8,
  done: 9,
} as const;

export interface StringReader {
  readonly process: number;
  at: keyof typeof AT;
  owed: number;
  version: number;
  entry: Entry | null;
  said: Said | null;
  label: number;
  lease: Lease | null;
}

export interface StringState {
  db: number;
  /** The version that readers are owed once both are sound. */
  settled: number;
  mishaps: number;
  stale: string | null;
  shard: Shard;
  said: Said | null;
  /** What is about to be written as the string, where that is a step of its own. */
  saying: Said | null;
  dump: Dump | null;
  /** One of the two was put back to what it was, and has not been looked at beside the other since. */
  isUnsound: boolean;
  /** The walk under way has met the shard. */
  isFound: boolean;
  writerAt: number;
  processes: StringProcess[];
  readers: StringReader[];
}

export function initialString({ readers, mishaps = 1 }: StringRules): StringState {
  return {
    db: 0,
    settled: 0,
    mishaps,
    stale: null,
    shard: {
      entry: null,
      lease: null,
      holds: 0,
      generation: 1,
      lastGeneration: 1,
      clock: 1,
      minimumStamp: 1,
      bulk: 1,
      pattern: 0,
      label: 0,
      sequence: 0,
      indexed: false,
      indexLost: false,
    },
    said: { generation: 1, minimumStamp: 1, bulk: 1 },
    saying: null,
    dump: null,
    isUnsound: false,
    isFound: false,
    writerAt: 0,
    processes: [0, 1].map(() => ({ owed: 0, known: null, flight: null })),
    readers: readers.map((process) => ({
      process,
      at: 'idle',
      owed: 0,
      version: 0,
      entry: null,
      said: null,
      label: 0,
      lease: null,
    })),
  };
}

export function copyOfString(state: StringState): StringState {
  return {
    ...state,
    shard: { ...state.shard },
    processes: state.processes.map((process) => ({ ...process })),
    readers: state.readers.map((reader) => ({ ...reader })),
  };
}

export function keyOfString(state: StringState): string {
  const { shard, said, saying, dump, writerAt, isUnsound, isFound } = state;
  const codes = [
    pack(state.db, state.mishaps, writerAt, (isUnsound ? 1 : 0) + (isFound ? 2 : 0)),
    ...shardCodes(shard),
    saidCode(said),
    saidCode(saying),
    pack(state.settled),
    ...(dump === null ? [NOTHING] : [...shardCodes(dump.shard), saidCode(dump.said), pack(dump.writerAt)]),
  ];
  for (const { owed, known, flight } of state.processes) {
    codes.push(pack(owed, known?.label ?? null), saidCode(known), leaseCode(flight));
  }
  for (const { at, owed, version, entry, said: seen, label, lease } of state.readers) {
    codes.push(pack(AT[at], owed, version, label), entryCode(entry), saidCode(seen), leaseCode(lease));
  }
  return String.fromCharCode(...codes);
}

function shardCodes({
  entry,
  lease,
  generation,
  lastGeneration,
  clock,
  minimumStamp,
  bulk,
  label,
  sequence,
}: Shard): number[] {
  return [
    entryCode(entry),
    leaseCode(lease),
    pack(generation, lastGeneration, clock, minimumStamp),
    pack(bulk, label, sequence),
  ];
}

function entryCode(entry: Entry | null): number {
  return entry ? pack(entry.version, entry.stamp, entry.generation, entry.token) : NOTHING;
}

function leaseCode(lease: Lease | null): number {
  return lease ? pack(lease.token, lease.stamp, lease.generation) : NOTHING;
}

function saidCode(said: Said | null): number {
  return said ? pack(said.generation, said.minimumStamp, said.bulk) : NOTHING;
}

/** What the string has to say. */
export function saidOf({ shard }: StringState): Said | null {
  const { generation, minimumStamp, bulk } = shard;
  return generation === 0 ? null : { generation, minimumStamp, bulk };
}

export function isSame(one: Said | null, other: Said | null): boolean {
  return (
    one?.generation === other?.generation && one?.minimumStamp === other?.minimumStamp && one?.bulk === other?.bulk
  );
}
