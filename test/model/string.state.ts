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
  /** An invalidation compares the two before it writes either: else what was put back agrees again, and no look finds it. */
  'comparedFirst',
  /** What clears everything looks for strings as well as for hashes. */
  'clearFindsStrings',
  /** An invalidation adds its labels to those that the string names. */
  'named',
  /** For a name that is dropped, the list begins behind its stamp. */
  'beginsBehindDropped',
  /** A list that was not written with the last bulk invalidation says nothing. */
  'listOfBulk',
  /** What was learnt beside an earlier string is kept only where the list begins no later than that ended. */
  'gapNoticed',
  /** … and not of another life. */
  'listOfLife',
  /** … but for what the list names. */
  'namedBelieved',
  /** An entry that no name concerns is valid only if it is not older than the list. */
  'listReaches',
] as const;

export type StringGuard = (typeof STRING_GUARDS)[number];
/** With what the rules say of the room for names. */
export type StringGuards = Readonly<Record<StringGuard | 'room', boolean>>;
export type StringThreat = 'stringLoss' | 'hashLoss' | 'stringRestored' | 'hashRestored' | 'failover';
/** `findShards` and `clearFound` are a walk: of what the names say that there is, then a step for each shard. */
export type StringStep =
  | 'commit'
  | 'invalidate'
  | 'invalidateOther'
  | 'invalidateMany'
  | 'invalidateEarlier'
  | 'clearEverything'
  | 'findShards'
  | 'clearFound'
  | 'evict'
  | 'settle';

export interface StringRules {
  /** Process of each reader. */
  readonly readers: readonly number[];
  /** What the one writer does, in order. */
  readonly writer: readonly StringStep[];
  readonly without?: readonly StringGuard[];
  readonly threats?: readonly StringThreat[];
  /** Whether the string has room for a label: else each invalidation is one of more than fit. */
  readonly names?: boolean;
  /** @default 1 */
  readonly mishaps?: number;
}

/** Labels of the last bulk invalidations, of which there is room for one here: the hash keeps them, the string says them. */
export interface Recent {
  /** The bulk invalidation it was written with. */
  readonly bulk: number;
  /** Whatever was invalidated after this is named. */
  readonly since: number;
  readonly named: (typeof NAMED)[keyof typeof NAMED];
  readonly stamp: number;
}

/** The label that every entry here carries, and any other. */
export const NAMED = { none: 0, label: 1, other: 2 } as const;

/** What the string says. */
export interface Said extends Recent {
  readonly generation: number;
  readonly minimumStamp: number;
}

/** What a process knows of the one label that every entry here carries. */
export interface Known extends Said {
  readonly label: number;
}

export interface Dump {
  readonly shard: Shard;
  readonly said: Said | null;
  readonly recent: Recent;
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
  /** A part of the hash. */
  recent: Recent;
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
    recent: listOf(1),
    said: { generation: 1, minimumStamp: 1, ...listOf(1) },
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
  const { shard, recent, said, saying, dump, writerAt, isUnsound, isFound } = state;
  const codes = [
    pack(state.db, state.mishaps, writerAt, (isUnsound ? 1 : 0) + (isFound ? 2 : 0)),
    ...shardCodes(shard),
    listCode(recent),
    saidCode(said),
    listCode(said),
    saidCode(saying),
    listCode(saying),
    pack(state.settled),
    ...(dump === null
      ? [NOTHING]
      : [
          ...shardCodes(dump.shard),
          listCode(dump.recent),
          saidCode(dump.said),
          listCode(dump.said),
          pack(dump.writerAt),
        ]),
  ];
  for (const { owed, known, flight } of state.processes) {
    codes.push(pack(owed, known?.label ?? null), saidCode(known), listCode(known), leaseCode(flight));
  }
  for (const { at, owed, version, entry, said: seen, label, lease } of state.readers) {
    codes.push(pack(AT[at], owed, version, label), entryCode(entry), saidCode(seen), listCode(seen), leaseCode(lease));
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

function listCode(list: Recent | null): number {
  return list ? pack(list.bulk, list.since, list.named, list.stamp) : NOTHING;
}

/** Nothing is named, and nothing has to be. */
export function listOf(bulk: number): Recent {
  return { bulk, since: bulk, named: NAMED.none, stamp: 0 };
}

/** What the string has to say. */
export function saidOf({ shard, recent }: StringState, has: StringGuards): Said | null {
  const { generation, minimumStamp, bulk } = shard;
  if (generation === 0) return null;
  const list = recent.bulk === bulk || !has.listOfBulk ? { ...recent, bulk } : listOf(bulk);
  return { generation, minimumStamp, ...list };
}

/** Whether they say the same of everything: the list follows from the rest, but for one that was put back. */
export function isSame(one: Said | null, other: Said | null): boolean {
  return saidCode(one ?? null) === saidCode(other) && listCode(one) === listCode(other);
}
