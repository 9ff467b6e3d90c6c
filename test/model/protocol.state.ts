/**
 * The state of the small machine behind variants A–M: one key, a database whose value goes from OLD to NEW once, one
 * writer, three readers in two processes. Small on purpose: every guard of the protocol is needed already here.
 */
import { NOTHING, pack } from './key.js';

export type Version = 0 | 1;
export const OLD: Version = 0;
export const NEW: Version = 1;

/** What a variant has. All absent: the naive cache-aside (GET, load, SET; DEL to evict). */
export interface Rules {
  /** Process of each reader. The writer lives in process 0. */
  readonly readers: readonly number[];
  /** A miss takes a lease, a fill is compare-and-set on it, evict deletes entry and lease. */
  readonly lease?: boolean;
  /** `beforeRead`: join whatever flight runs here. `afterRead`: only if an own L2 read shows its token is the lease. */
  readonly join?: 'beforeRead' | 'afterRead';
  /** Evict drops the flight of the evicting process. It cannot drop flights elsewhere. */
  readonly localFlightDrop?: boolean;
  /** The client library re-sends one fill that was already executed. */
  readonly resend?: boolean;
  /** Answers to two readers of one process change places. `noticed`: both go on without the cache. */
  readonly mixesUp?: 'unnoticed' | 'noticed';
  /** Each process keeps a copy, which bus messages delete. */
  readonly l1?: boolean;
  /** Bus messages also cancel the L1 stores of reads under way. */
  readonly cancelTickets?: boolean;
  /** Invalidation by label: it moves a stamp and touches neither entries nor leases. */
  readonly labels?: boolean;
  /** `split`: entry and metadata read by two commands. `script`: one atomic read that also grants the lease. */
  readonly labelRead?: 'split' | 'script';
  /** The stamp is taken after the loader, as `createdAt = Date.now()` does. */
  readonly lateStamp?: boolean;
  /** A lease older than the last bulk invalidation counts as absent. */
  readonly voidLease?: boolean;
}

export interface Entry {
  readonly version: Version;
  readonly stamp: number;
}

export interface Lease {
  readonly token: number;
  readonly stamp: number;
}

/** A loader running in one process, for others there to join. `token` is null when it runs without a lease. */
export interface Flight {
  readonly leader: number;
  readonly token: number | null;
}

/** A fill as sent, so that the network can deliver it a second time. */
export interface Fill {
  readonly token: number | null;
  readonly version: Version;
  readonly stamp: number;
}

export type At =
  | 'idle'
  | 'read'
  | 'readMeta'
  | 'readEntry'
  | 'hit'
  | 'stamp'
  | 'load'
  | 'lateStamp'
  | 'fill'
  | 'reply'
  | 'join'
  | 'done';

export interface Reader {
  readonly process: number;
  at: At;
  version: Version | null;
  token: number | null;
  stamp: number | null;
  entry: Entry | null;
  /** Started after evict settled. */
  afterSettle: boolean;
  /** Started after its process had also handled the bus message. */
  afterBus: boolean;
  /** The leader whose flight it joined. */
  joined: number | null;
  /** The right to store into L1: opened with the read, cancelled by an invalidation. */
  ticket: 'none' | 'open' | 'cancelled';
  /** What L2 answered to the fill; null until then. */
  stored: boolean | null;
}

export interface State {
  db: Version;
  writer: 'commit' | 'evict' | 'settle' | 'done';
  entry: Entry | null;
  lease: Lease | null;
  nextToken: number;
  /** The shard's clock, and the stamp of the last invalidation by label. */
  clock: number;
  bulk: number;
  /** By process: the L1 copy, undelivered bus messages, whether one was handled, the flight under way. */
  l1: (Version | null)[];
  bus: number[];
  heard: boolean[];
  flights: (Flight | null)[];
  resend: Fill | 'sent' | null;
  readers: Reader[];
}

/** Adds one step; the change gets a copy of the state. */
export type AddStep = (name: string, change: (draft: State) => void) => void;

export function initialState(rules: Rules): State {
  const readers = rules.readers.map((process): Reader => ({
    process,
    at: 'idle',
    version: null,
    token: null,
    stamp: null,
    entry: null,
    afterSettle: false,
    afterBus: false,
    joined: null,
    ticket: 'none',
    stored: null,
  }));
  return {
    db: OLD,
    writer: 'commit',
    entry: null,
    lease: null,
    nextToken: 1,
    clock: 0,
    bulk: 0,
    l1: [null, null],
    bus: [0, 0],
    heard: [false, false],
    flights: [null, null],
    resend: null,
    readers,
  };
}

/** Field by field, as in `whole.state.ts`. Entries, leases, flights and fills are never changed in place, so they are shared. */
export function copyOf(state: State): State {
  return {
    db: state.db,
    writer: state.writer,
    entry: state.entry,
    lease: state.lease,
    nextToken: state.nextToken,
    clock: state.clock,
    bulk: state.bulk,
    l1: state.l1.slice(),
    bus: state.bus.slice(),
    heard: state.heard.slice(),
    flights: state.flights.slice(),
    resend: state.resend,
    readers: state.readers.map(copyReader),
  };
}

function copyReader(reader: Reader): Reader {
  return {
    process: reader.process,
    at: reader.at,
    version: reader.version,
    token: reader.token,
    stamp: reader.stamp,
    entry: reader.entry,
    afterSettle: reader.afterSettle,
    afterBus: reader.afterBus,
    joined: reader.joined,
    ticket: reader.ticket,
    stored: reader.stored,
  };
}

const AT_CODE: Readonly<Record<At, number>> = {
  idle: 0,
  read: 1,
  readMeta: 2,
  readEntry: 3,
  hit: 4,
  stamp: 5,
  load: 6,
  lateStamp: 7,
  fill: 8,
  reply: 9,
  join: 10,
  done: 11,
};

const WRITER_CODE: Readonly<Record<State['writer'], number>> = { commit: 0, evict: 1, settle: 2, done: 3 };
const TICKET_CODE: Readonly<Record<Reader['ticket'], number>> = { none: 0, open: 1, cancelled: 2 };

/** Every field: no reduction hides in here. */
export function keyOf(state: State): string {
  const codes = [
    pack(state.db, WRITER_CODE[state.writer], state.clock, state.bulk),
    entryCode(state.entry),
    leaseCode(state.lease),
    pack(state.nextToken),
    resendCode(state.resend),
  ];
  for (const [process, flight] of state.flights.entries()) {
    codes.push(pack(state.l1[process] ?? null, state.bus[process], flag(state.heard[process] ?? false)));
    codes.push(flight === null ? NOTHING : pack(flight.leader, flight.token));
  }
  for (const reader of state.readers) {
    const { at, version, token, stamp, joined, ticket, afterSettle, afterBus, stored } = reader;
    codes.push(pack(AT_CODE[at], version, token, stamp), entryCode(reader.entry));
    codes.push(
      pack(joined, TICKET_CODE[ticket], flag(afterSettle) + 2 * flag(afterBus), stored === null ? null : flag(stored)),
    );
  }
  return String.fromCharCode(...codes);
}

function entryCode(entry: Entry | null): number {
  return entry === null ? NOTHING : pack(entry.version, entry.stamp);
}

function leaseCode(lease: Lease | null): number {
  return lease === null ? NOTHING : pack(lease.token, lease.stamp);
}

function resendCode(resend: State['resend']): number {
  if (resend === null) return NOTHING;
  return resend === 'sent' ? pack(null, null) : pack(resend.token, resend.version, resend.stamp);
}

function flag(on: boolean): number {
  return on ? 1 : 0;
}
