/** One read: entry and string in one step, then the hash where the string does not decide, then the lease. */
import {
  isSame,
  listOf,
  NAMED,
  saidOf,
  type Said,
  type StringGuards,
  type StringProcess,
  type StringReader,
  type StringState,
} from './string.state.js';
import { guardsOf } from './whole.rules.js';
import { fill, isLive, readOrLease } from './whole.shard.js';

/** Of the scripts, all. */
export const HAS = guardsOf({ readers: [], writers: [] });

interface Moving {
  readonly draft: StringState;
  readonly self: StringReader;
  readonly home: StringProcess;
  readonly index: number;
  readonly has: StringGuards;
}

interface StringMove {
  readonly name: string;
  readonly act: (moving: Moving) => void;
}

export const MOVES: Readonly<Partial<Record<StringReader['at'], StringMove>>> = {
  idle: {
    name: 'starts',
    act: ({ self, home }) => {
      self.owed = home.owed;
      self.at = 'read';
    },
  },
  read: { name: 'reads entry and string', act: read },
  hash: {
    name: 'reads the hash',
    act: ({ draft, self }) => {
      const { entry } = self;
      if (entry !== null && isLive(draft.shard, entry, HAS)) finish(draft, self, entry.version);
      else self.at = 'lease';
    },
  },
  labels: { name: 'asks the hash for labels', act: learn },
  judge: {
    name: 'judges by labels',
    act: ({ draft, self, home, has }) => {
      judge(draft, self, has.ownLabels ? self.label : (home.known?.label ?? 0));
    },
  },
  lease: { name: 'asks for the lease', act: ask },
  load: {
    name: 'loads',
    act: ({ draft, self }) => {
      self.version = draft.db;
      self.at = 'fill';
    },
  },
  fill: { name: 'fills', act: store },
};

function read({ draft, self, home, has }: Moving): void {
  const { entry } = draft.shard;
  const { said } = draft;
  self.entry = entry;
  self.said = said;
  if (said !== null && has.labelsOfVersion) keepKnown(home, said, has);
  if (entry === null) self.at = 'lease';
  else if (said === null) self.at = 'hash';
  else if (entry.generation !== said.generation || entry.stamp < said.minimumStamp) self.at = 'lease';
  else if (entry.stamp >= said.bulk || !has.bulkCompared) finish(draft, self, entry.version);
  else if (home.known !== null && (!has.labelsOfVersion || isSame(home.known, said))) {
    judge(draft, self, home.known.label);
  } else if (said.named === NAMED.label) judge(draft, self, said.stamp);
  else if (entry.stamp >= said.since || !has.listReaches) finish(draft, self, entry.version);
  else self.at = 'labels';
}

/** What was learnt beside an earlier string goes on, but for what has been invalidated since: that is named. */
function keepKnown(home: StringProcess, said: Said, has: StringGuards): void {
  const { known } = home;
  if (known === null || isSame(known, said)) return;
  const isKept =
    (known.generation === said.generation || !has.listOfLife) &&
    (known.bulk >= said.since || !has.gapNoticed) &&
    known.bulk < said.bulk;
  const label = said.named === NAMED.label && has.namedBelieved ? said.stamp : known.label;
  home.known = isKept ? { ...said, label } : null;
}

/** A hash that has moved on says more; one that is behind the string, or of another life, says nothing. */
function learn({ draft, self, home, has }: Moving): void {
  const { said } = self;
  const now = saidOf(draft, has);
  if (said === null) return;
  const isBehind = now?.generation !== said.generation || now.bulk < said.bulk || now.minimumStamp < said.minimumStamp;
  if (has.comparedWhenLearnt && isBehind) {
    self.at = 'lease';
    return;
  }
  self.label = draft.shard.label;
  if (isSame(now, said)) home.known = { ...said, label: self.label };
  self.at = 'judge';
}

function judge(draft: StringState, self: StringReader, label: number): void {
  const { entry } = self;
  if (entry !== null && entry.stamp >= label) finish(draft, self, entry.version);
  else self.at = 'lease';
}

function ask({ draft, self, home, index, has }: Moving): void {
  const { shard } = draft;
  const before = shard.generation;
  const answer = readOrLease(shard, index, HAS);
  if (shard.generation !== before) {
    draft.recent = listOf(shard.bulk);
    if (has.saidWithHash) draft.said = saidOf(draft, has);
  }
  if (answer.kind === 'hit') return finish(draft, self, answer.entry.version);
  if (answer.kind === 'granted') {
    self.lease = answer.lease;
    home.flight = answer.lease;
    self.at = 'load';
  } else if (home.flight !== null && home.flight.token === answer.lease?.token) {
    self.lease = home.flight;
    self.at = 'join';
  }
}

function store({ draft, self, home, index }: Moving): void {
  const { lease, version } = self;
  if (lease !== null) fill(draft.shard, { ...lease, version, token: index }, HAS);
  if (home.flight?.token === index) home.flight = null;
  for (const other of draft.readers) {
    if (other.at === 'join' && other.lease?.token === index) finish(draft, other, version);
  }
  finish(draft, self, version);
}

function finish(draft: StringState, self: StringReader, version: number): void {
  if (version < self.owed) {
    const who = `reader ${draft.readers.indexOf(self)} in process ${self.process}`;
    draft.stale ??= `${who} was owed version ${self.owed} when it started and returned version ${version}`;
  }
  self.at = 'done';
  self.owed = 0;
  self.version = 0;
  self.entry = null;
  self.said = null;
  self.label = 0;
  self.lease = null;
}
