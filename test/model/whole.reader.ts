/** The engine's side: one read, from its start to what it returns, as in the client algorithm of consistency.md 4.4. */
import type { Guards, Threats, WholeRules } from './whole.rules.js';
import { fill, isLive, readOrLease } from './whole.shard.js';
import { type Copy, type Entry, type Process, type Reader, type State } from './whole.state.js';

/** Changes the draft, the reader in it and its process. `index` is the reader's token. */
export interface Move {
  readonly name: string;
  readonly act: (draft: State, self: Reader, home: Process, index: number) => void;
}

/** What the moves need to know about the variant. */
export interface Setting {
  readonly has: Guards;
  readonly threat: Threats;
  readonly rules: WholeRules;
}

export function readerMoves(reader: Reader, setting: Setting): readonly Move[] {
  const { has } = setting;
  switch (reader.at) {
    case 'idle':
      return [{ name: 'starts', act: (draft, self, home) => start(draft, self, home, setting) }];
    case 'ask':
      return [{ name: 'has L2 validate its copy', act: (draft, self, home) => validate(draft, self, home, has) }];
    case 'confirmed':
      return [{ name: 'its copy is confirmed', act: (draft, self, home) => confirmed(draft, self, home, has) }];
    case 'lookup':
      return [
        { name: 'reads the entry first', act: lookUpEntry },
        { name: 'reads the metadata first', act: lookUpMeta },
      ];
    case 'lookupMeta':
      return [{ name: 'reads the metadata', act: (draft, self, home) => judge(draft, self, home, has) }];
    case 'lookupEntry':
      return [{ name: 'reads the entry', act: (draft, self, home) => judge(draft, self, home, has) }];
    case 'read': {
      const ask: Move = {
        name: 'reads L2 by script',
        act: (draft, self, home, i) => read(draft, self, home, i, setting),
      };
      if (!setting.threat.outage) return [ask];
      return [ask, { name: 'cannot reach L2', act: (draft, self, home) => unreachable(draft, self, home, has) }];
    }
    case 'arrive':
      return [{ name: 'its hit arrives', act: (draft, self, home) => hitArrives(draft, self, home, has) }];
    case 'load':
      return [{ name: 'its loader reads the database', act: load }];
    case 'fill':
      return [{ name: 'its fill runs at L2', act: (draft, self, _home, i) => fillAtL2(draft, self, i, setting) }];
    case 'index':
      return [{ name: 'adds its fill to the index', act: addToIndex }];
    case 'answer':
      return [{ name: 'its fill is answered', act: (draft, self, home, i) => answered(draft, self, home, i, has) }];
    case 'join':
    case 'done':
      return [];
  }
}

/** Here it is decided what the reader is owed, and whether L1 may answer. */
function start(draft: State, self: Reader, home: Process, { has, rules }: Setting): void {
  const { due, now } = draft;
  self.owed = due !== null && now >= due.at ? Math.max(home.owed, due.version) : home.owed;
  const copy = home.l1;
  if (copy === null) {
    openTicket(self, home);
    if (rules.plainLookup) self.at = 'lookup';
    return;
  }
  if (has.validationLease && now - copy.validatedAt >= draft.maxUnvalidatedTicks) {
    self.found = copy;
    self.at = 'ask';
    return;
  }
  finish(draft, self, copy.entry.version);
}

/** The race with a refill: another entry may stand in L2 by now, and its being valid says nothing about this copy. */
function validate(draft: State, self: Reader, home: Process, has: Guards): void {
  const { shard, now } = draft;
  const { found } = self;
  if (found === null) return;
  const { entry } = shard;
  if (entry !== null && isLive(shard, entry, has) && isSameEntry(entry, found.entry, has)) {
    self.found = { entry: found.entry, validatedAt: now };
    self.at = 'confirmed';
    return;
  }
  self.found = null;
  home.l1 = null;
  openTicket(self, home);
}

function isSameEntry(stored: Entry, kept: Entry, has: Guards): boolean {
  if (!has.comparedOnValidation) return true;
  if (has.comparedByToken) return stored.token === kept.token;
  return stored.stamp === kept.stamp && stored.generation === kept.generation;
}

function confirmed(draft: State, self: Reader, home: Process, has: Guards): void {
  const { found } = self;
  if (found === null) return;
  if (home.l1?.entry.token === found.entry.token) keep(draft, home, found, has);
  finish(draft, self, found.entry.version);
}

/** The race of an invalidation or a loss between the two reads: harmless in either order, because stamps only grow. */
function lookUpEntry(draft: State, self: Reader): void {
  const { entry } = draft.shard;
  self.found = entry && { entry, validatedAt: draft.now };
  self.at = entry === null ? 'read' : 'lookupMeta';
}

function lookUpMeta(draft: State, self: Reader): void {
  const { generation, minimumStamp, label } = draft.shard;
  self.seen = { generation, minimumStamp, label, at: draft.now };
  self.at = 'lookupEntry';
}

/** Metadata that is not there is a miss, as no entry was born under it. X runs from the first of the two reads. */
function judge(draft: State, self: Reader, home: Process, has: Guards): void {
  const { shard, now } = draft;
  const { seen } = self;
  const entry = self.found?.entry ?? shard.entry;
  const hit = entry !== null && isLive(seen ?? shard, entry, has);
  const validatedAt = self.found?.validatedAt ?? seen?.at ?? now;
  self.found = null;
  self.seen = null;
  self.at = 'read';
  if (hit) take(draft, self, home, { entry, validatedAt });
}

/** A hit. Without L1 nothing more can happen to it. */
function take(draft: State, self: Reader, home: Process, found: Copy): void {
  if (!home.hasL1) return finish(draft, self, found.entry.version);
  self.found = found;
  self.at = 'arrive';
}

/** Joining is safe only because L2 says, after this reader came, that the flight's lease still stands. */
function read(draft: State, self: Reader, home: Process, index: number, setting: Setting): void {
  const { has } = setting;
  const result = readOrLease(draft.shard, index, has);
  if (result.kind === 'hit') return take(draft, self, home, { entry: result.entry, validatedAt: draft.now });
  self.at = 'load';
  if (result.kind === 'granted') {
    self.lease = result.lease;
    home.flight = result.lease;
    if (setting.threat.resentLease && draft.resendable.lease === null) {
      draft.resendable = { ...draft.resendable, lease: result.lease };
    }
    return;
  }
  const { flight } = home;
  const { lease } = result;
  if (flight === null || lease === null || flight.token !== lease.token) return;
  if (!has.leaseByStamp || flight.stamp === lease.stamp) join(self, flight.token);
}

/** The race with an evict elsewhere, which settled without this process: no local flight can be trusted in an outage. */
function unreachable(_draft: State, self: Reader, home: Process, has: Guards): void {
  if (!has.aloneInOutage && home.flight !== null) return join(self, home.flight.token);
  self.at = 'load';
}

/** The race of the reply with the bus: it may arrive after the message that says this version is gone. */
function hitArrives(draft: State, self: Reader, home: Process, has: Guards): void {
  const { found } = self;
  if (found === null) return;
  if (self.ticket) keep(draft, home, found, has);
  finish(draft, self, found.entry.version);
}

/** What is read here may be old by the time it is stored. Without a lease it is returned and never stored. */
function load(draft: State, self: Reader): void {
  if (self.lease === null) return finish(draft, self, draft.db);
  self.version = draft.db;
  self.at = 'fill';
}

/** Once L2 has the fill, it has judged it as well: that is the moment X runs from. */
function fillAtL2(draft: State, self: Reader, index: number, { has, threat }: Setting): void {
  if (self.lease === null) return;
  const entry: Entry = { ...self.lease, version: self.version, token: index };
  if (fill(draft.shard, entry, has)) self.found = { entry, validatedAt: draft.now };
  if (threat.resentFill && draft.resendable.fill === null) draft.resendable = { ...draft.resendable, fill: entry };
  self.at = has.indexWithFill ? 'answer' : 'index';
}

/** The race of a pattern invalidation between the two: it finds no entry in the index, and the fill has passed its check. */
function addToIndex(draft: State, self: Reader): void {
  if (self.found !== null) draft.shard.indexed = true;
  self.at = 'answer';
}

function answered(draft: State, self: Reader, home: Process, index: number, has: Guards): void {
  if (home.hasL1 && self.found !== null && self.ticket) keep(draft, home, self.found, has);
  if (home.flight?.token === index) home.flight = null;
  const { version } = self;
  for (const other of draft.readers) {
    if (other.at === 'join' && other.joined === index) finish(draft, other, version);
  }
  finish(draft, self, version);
}

/** The race with time: an evict may have come between L2's judgement and its arrival, so X cannot begin on arrival. */
function keep(draft: State, home: Process, found: Copy, has: Guards): void {
  home.l1 = has.validatedWhenAsked ? found : { entry: found.entry, validatedAt: draft.now };
}

/** The ticket is the right to store into L1; whatever drops this key from L1 cancels it. */
function openTicket(self: Reader, home: Process): void {
  self.ticket = home.hasL1;
  self.at = 'read';
}

function join(self: Reader, token: number): void {
  self.joined = token;
  self.at = 'join';
}

/** A finished reader is forgotten, but for the promise it broke. */
function finish(draft: State, self: Reader, version: number): void {
  if (version < self.owed) {
    const who = `reader ${draft.readers.indexOf(self)} in process ${self.process}`;
    draft.stale ??= `${who} was owed version ${self.owed} when it started and returned version ${version}`;
  }
  self.at = 'done';
  self.owed = 0;
  self.version = 0;
  self.lease = null;
  self.found = null;
  self.seen = null;
  self.joined = null;
  self.ticket = false;
}
