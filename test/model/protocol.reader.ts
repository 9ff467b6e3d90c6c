/** The reader of variants A–M: from its start to the version it returns, one atomic step at a time. */
import { OLD, type Fill, type Reader, type Rules, type State, type Version } from './protocol.state.js';

/** Changes the draft and the reader in it. `index` is the reader's name in flights. */
type Act = (draft: State, self: Reader, index: number, rules: Rules) => void;

export interface Move {
  readonly name: string;
  readonly act: Act;
}

export function nameOf(reader: Reader, index: number): string {
  return `reader ${index} in process ${reader.process}`;
}

/** What it may do next. More than one move only where the order of two reads is free. */
export function readerMoves(reader: Reader, rules: Rules): readonly Move[] {
  switch (reader.at) {
    case 'idle':
      return [{ name: 'starts', act: start }];
    case 'read':
      if (rules.labelRead === 'script') return [{ name: 'reads L2 by script', act: readByScript }];
      return rules.labels ? SPLIT_READ : [{ name: 'reads L2', act: read }];
    case 'readMeta':
      return [{ name: 'reads the metadata', act: readMetaSecond }];
    case 'readEntry':
      return [{ name: 'reads the entry', act: readEntrySecond }];
    case 'hit':
      return [{ name: 'its hit arrives', act: hitArrives }];
    case 'stamp':
      return [{ name: 'takes a stamp', act: takeStamp }];
    case 'load':
      return [{ name: 'its loader reads the database', act: load }];
    case 'lateStamp':
      return [{ name: 'takes a stamp after its loader', act: takeLateStamp }];
    case 'fill':
      return [{ name: 'its fill runs at L2', act: fill }];
    case 'reply':
      return [{ name: 'its fill is answered', act: fillAnswered }];
    case 'join':
    case 'done':
      return [];
  }
}

/** Here it is decided what the reader is owed. */
const start: Act = (draft, self, _index, rules) => {
  const { process } = self;
  self.afterSettle = draft.writer === 'done';
  self.afterBus = self.afterSettle && draft.heard[process] === true;
  const copy = draft.l1[process] ?? null;
  if (rules.l1 && copy !== null) return finish(self, copy);
  const flight = draft.flights[process];
  // The race with a remote evict: this process cannot know that the flight's loader began before it (variants B, D).
  if (rules.join === 'beforeRead' && flight) return join(self, flight.leader);
  if (rules.l1) self.ticket = 'open';
  self.at = 'read';
};

/** Entry, then flight, then lease, all as of one moment: what one command or one script does. */
const read: Act = (draft, self, index, rules) => {
  const flight = draft.flights[self.process];
  if (draft.entry !== null) {
    self.entry = draft.entry;
    self.at = 'hit';
    return;
  }
  // Safe to join: the lease still being there proves, after this reader arrived, that no evict came since it was granted.
  if (rules.join === 'afterRead' && flight && draft.lease?.token === flight.token) return join(self, flight.leader);
  if (rules.lease && draft.lease === null) grantLease(draft, self);
  if (rules.join) draft.flights[self.process] = { leader: index, token: self.token };
  self.at = 'load';
};

/**
 * The same with labels. An invalidation by label cannot know which leases to delete, so a lease must say itself how old
 * it is: without `voidLease` a reader joins a loader that began before the invalidation (variant L).
 */
const readByScript: Act = (draft, self, index, rules) => {
  const { entry, lease, bulk } = draft;
  if (entry !== null && entry.stamp >= bulk) return finish(self, entry.version);
  const flight = draft.flights[self.process];
  const held = lease !== null && !(rules.voidLease && lease.stamp < bulk);
  if (held && rules.join && flight && flight.token === lease.token) return join(self, flight.leader);
  if (!held) {
    grantLease(draft, self);
    draft.flights[self.process] = { leader: index, token: self.token };
  }
  self.stamp = draft.clock;
  self.at = 'load';
};

/** The race of an invalidation between the two reads: harmless in either order, because stamps only grow (variant J). */
const readEntryFirst: Act = (draft, self) => {
  self.entry = draft.entry;
  self.at = 'readMeta';
};

const readMetaFirst: Act = (draft, self) => {
  self.stamp = draft.bulk;
  self.at = 'readEntry';
};

const SPLIT_READ: readonly Move[] = [
  { name: 'reads the entry first', act: readEntryFirst },
  { name: 'reads the metadata first', act: readMetaFirst },
];

const readMetaSecond: Act = (draft, self, _index, rules) => {
  self.stamp = draft.bulk;
  judge(self, rules);
};

const readEntrySecond: Act = (draft, self, _index, rules) => {
  self.entry = draft.entry;
  judge(self, rules);
};

function judge(self: Reader, rules: Rules): void {
  const { entry } = self;
  if (entry !== null && self.stamp !== null && entry.stamp >= self.stamp) return finish(self, entry.version);
  self.entry = null;
  self.at = rules.lateStamp ? 'load' : 'stamp';
}

/** The race of the reply with the bus: it may arrive after the message that says this version is gone. */
const hitArrives: Act = (draft, self, _index, rules) => {
  const version = self.entry?.version ?? OLD;
  if (rules.l1 && self.ticket === 'open') draft.l1[self.process] = version;
  finish(self, version);
};

const takeStamp: Act = (draft, self) => {
  self.stamp = draft.clock;
  self.at = 'load';
};

/** The race every `createdAt = Date.now()` loses: an invalidation during the load makes the old version look new. */
const takeLateStamp: Act = (draft, self) => {
  self.stamp = draft.clock;
  self.at = 'fill';
};

/** The race of all caches: what is read here may be old by the time it is stored. */
const load: Act = (draft, self, _index, rules) => {
  self.version = draft.db;
  self.at = rules.lateStamp ? 'lateStamp' : 'fill';
};

const fill: Act = (draft, self, _index, rules) => {
  const sent: Fill = { token: self.token, version: loaded(self), stamp: self.stamp ?? 0 };
  self.stored = fillAtL2(draft, sent, rules);
  if (rules.resend && draft.resend === null) draft.resend = sent;
  self.at = 'reply';
};

/** The leader returns, its waiters with it. L1 keeps the version only if L2 did, and if nothing dropped it meanwhile. */
const fillAnswered: Act = (draft, self, index, rules) => {
  const version = loaded(self);
  if (rules.l1 && self.stored && self.ticket === 'open') draft.l1[self.process] = version;
  if (draft.flights[self.process]?.leader === index) draft.flights[self.process] = null;
  for (const other of draft.readers) if (other.at === 'join' && other.joined === index) finish(other, version);
  finish(self, version);
};

/** Whether L2 stored it. With a lease: only under the token that is the lease now, and only once. */
export function fillAtL2(draft: State, sent: Fill, rules: Rules): boolean {
  const { token, version, stamp } = sent;
  if (rules.lease) {
    if (token === null || draft.lease?.token !== token) return false;
    draft.lease = null;
    if (stamp < draft.bulk) return false;
  }
  draft.entry = { version, stamp };
  return true;
}

function grantLease(draft: State, self: Reader): void {
  self.token = draft.nextToken;
  draft.nextToken += 1;
  draft.lease = { token: self.token, stamp: draft.clock };
}

function join(self: Reader, leader: number): void {
  self.at = 'join';
  self.joined = leader;
}

function finish(self: Reader, version: Version): void {
  self.at = 'done';
  self.version = version;
  self.entry = null;
}

function loaded(self: Reader): Version {
  return self.version ?? OLD;
}
