/** The state of the machine behind variants N and later: what it is, how it begins and how it is copied. */
import type { WholeRules } from './whole.rules.js';

export interface Entry {
  readonly version: number;
  readonly stamp: number;
  readonly generation: number;
  /** Of the fill that stored it. */
  readonly token: number;
}

/** Each reader takes at most one lease, so its index is its token. */
export interface Lease {
  readonly token: number;
  readonly stamp: number;
  readonly generation: number;
}

export interface Copy {
  readonly entry: Entry;
  readonly validatedAt: number;
}

/** What an entry is judged by. */
export interface Meta {
  /** 0: the metadata does not exist. */
  readonly generation: number;
  readonly minimumStamp: number;
  /** Stamp of the last invalidation of the one label that every entry here carries. */
  readonly label: number;
}

/** What the server keeps: an entry, a lease or holds, the metadata of the shard, and the index of its entries. */
export interface Shard extends Meta {
  entry: Entry | null;
  lease: Lease | null;
  /** One bit for each writer that holds. */
  holds: number;
  generation: number;
  lastGeneration: number;
  clock: number;
  minimumStamp: number;
  bulk: number;
  pattern: number;
  label: number;
  sequence: number;
  indexed: boolean;
  indexLost: boolean;
}

export interface Writer {
  /** Position in its program. */
  at: number;
  crashed: boolean;
  /** The version it committed; 0 before. */
  version: number;
}

export interface Message {
  readonly sequence: number;
  readonly generation: number;
  /** About the one key of this model, or about another of the same shard. */
  readonly covers: boolean;
  /** What whoever handles it owes to readers from then on. Known to the model only. */
  readonly owes: number;
}

export interface Process {
  /** Whether it keeps copies. Only where two readers are: what one leaves in L1, no other reader would see elsewhere. */
  readonly hasL1: boolean;
  l1: Copy | null;
  bus: readonly Message[];
  lastHeard: Message | null;
  flight: Lease | null;
  /** The version owed to readers that start here. */
  owed: number;
}

/** Where a reader is, with the number that says so in keys. */
export const AT_CODE = {
  idle: 0,
  ask: 1,
  confirmed: 2,
  lookup: 3,
  lookupMeta: 4,
  lookupEntry: 5,
  read: 6,
  arrive: 7,
  load: 8,
  fill: 9,
  index: 10,
  answer: 11,
  join: 12,
  done: 13,
} as const;

export interface Reader {
  readonly process: number;
  at: keyof typeof AT_CODE;
  owed: number;
  /** The version it loaded. */
  version: number;
  lease: Lease | null;
  /** What it got from L2 or L1 and will return or keep. */
  found: Copy | null;
  /** The metadata, where that was read first. */
  seen: (Meta & { readonly at: number }) | null;
  /** The token of the flight it joined. */
  joined: number | null;
  ticket: boolean;
}

export interface State {
  db: number;
  now: number;
  /** X. */
  readonly maxUnvalidatedTicks: number;
  /** After a settled evict: the version owed everywhere, and from when. */
  due: { readonly version: number; readonly at: number } | null;
  /** The version that the last evict of this key was about. */
  evicted: number;
  mishaps: number;
  /** A read that broke the promise. */
  stale: string | null;
  shard: Shard;
  writers: Writer[];
  processes: Process[];
  readers: Reader[];
  /** The fill and the lease that the client library may send again. */
  resendable: { readonly fill: Entry | null; readonly lease: Lease | null };
}

const NEW_SHARD: Shard = {
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
};

const NEW_PROCESS: Process = { hasL1: false, l1: null, bus: [], lastHeard: null, flight: null, owed: 0 };

const NEW_READER: Reader = {
  process: 0,
  at: 'idle',
  owed: 0,
  version: 0,
  lease: null,
  found: null,
  seen: null,
  joined: null,
  ticket: false,
};

export function initialState({
  readers,
  writers,
  mishaps = 1,
  l1 = false,
  maxUnvalidatedTicks = 1,
}: WholeRules): State {
  const sharesL1 = (process: number): boolean => l1 && readers.filter((home) => home === process).length > 1;
  return {
    db: 0,
    now: 0,
    maxUnvalidatedTicks,
    due: null,
    evicted: 0,
    mishaps,
    stale: null,
    shard: { ...NEW_SHARD },
    writers: writers.map(() => ({ at: 0, crashed: false, version: 0 })),
    processes: [0, 1].map((index) => ({ ...NEW_PROCESS, hasL1: sharesL1(index) })),
    readers: readers.map((process) => ({ ...NEW_READER, process })),
    resendable: { fill: null, lease: null },
  };
}

/**
 * Field by field, as spreading an object that was itself spread is ten times slower in V8. Entries, leases, copies and
 * messages are never changed in place, so they are shared.
 */
export function copyOf(state: State): State {
  return {
    db: state.db,
    now: state.now,
    maxUnvalidatedTicks: state.maxUnvalidatedTicks,
    due: state.due,
    evicted: state.evicted,
    mishaps: state.mishaps,
    stale: state.stale,
    shard: copyShard(state.shard),
    writers: state.writers.map(copyWriter),
    processes: state.processes.map(copyProcess),
    readers: state.readers.map(copyReader),
    resendable: state.resendable,
  };
}

function copyShard(shard: Shard): Shard {
  return {
    entry: shard.entry,
    lease: shard.lease,
    holds: shard.holds,
    generation: shard.generation,
    lastGeneration: shard.lastGeneration,
    clock: shard.clock,
    minimumStamp: shard.minimumStamp,
    bulk: shard.bulk,
    pattern: shard.pattern,
    label: shard.label,
    sequence: shard.sequence,
    indexed: shard.indexed,
    indexLost: shard.indexLost,
  };
}

function copyWriter({ at, crashed, version }: Writer): Writer {
  return { at, crashed, version };
}

function copyProcess({ hasL1, l1, bus, lastHeard, flight, owed }: Process): Process {
  return { hasL1, l1, bus, lastHeard, flight, owed };
}

function copyReader({ process, at, owed, version, lease, found, seen, joined, ticket }: Reader): Reader {
  return { process, at, owed, version, lease, found, seen, joined, ticket };
}
