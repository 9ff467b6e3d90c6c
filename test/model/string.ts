/**
 * The state string: beside the hash of a shard stands one string with its generation, its minimum stamp and the stamp of
 * its last bulk invalidation. A hit reads it in the step that reads the entry, and not the hash. Leases and fills go by
 * the hash, as in the whole protocol.
 *
 * Where one of the two is put back by hand to what it was, old values are served until the hash is next looked at beside
 * the string: readers are owed nothing until then.
 */
import type { Model, Step } from './explore.js';
import {
  copyOfString,
  initialString,
  isSame,
  keyOfString,
  listOf,
  NAMED,
  saidOf,
  STRING_GUARDS,
  type Recent,
  type StringGuards,
  type StringProcess,
  type StringReader,
  type StringRules,
  type StringState,
  type StringStep,
} from './string.state.js';
import { HAS, MOVES } from './string.reader.js';
import { evict, loseMeta } from './whole.shard.js';

/** What puts something back to what it was. */
const OLD = ['stringRestored', 'hashRestored', 'failover'] as const;

/** What a server that takes over is told again. */
const TOLD_AGAIN: readonly StringStep[] = [
  'invalidate',
  'invalidateMany',
  'invalidateEarlier',
  'clearEverything',
  'findShards',
  'clearFound',
  'evict',
];

type Add = (name: string, change: (draft: StringState) => void) => void;

export function stateString(rules: StringRules): Model<StringState> {
  const { without = [] } = rules;
  const guards = Object.fromEntries(STRING_GUARDS.map((guard) => [guard, !without.includes(guard)]));
  const has = { ...guards, room: rules.names === true } as StringGuards;
  return {
    initial: initialString(rules),
    keyOf: keyOfString,
    steps: (state) => stepsFrom(state, rules, has),
    isOver: ({ readers }) => readers.every(({ at, owed }) => at !== 'idle' && owed === 0),
    staleRead: ({ stale }) => stale,
  };
}

function stepsFrom(state: StringState, rules: StringRules, has: StringGuards): Step<StringState>[] {
  const steps: Step<StringState>[] = [];
  const add: Add = (name, change) => {
    const next = copyOfString(state);
    change(next);
    steps.push({ name, next });
  };
  const step = rules.writer[state.writerAt];
  if (step !== undefined) {
    add(`writer: ${step}`, (draft) => {
      draft.writerAt += 1;
      write(draft, step, has);
    });
  }
  addTending(state, rules, has, add);
  addMisfortunes(state, rules, has, add);
  const starting = new Set<number>();
  for (const [index, reader] of state.readers.entries()) {
    // Readers of one process that have not begun are the same but for their number, so only the first may start.
    if (reader.at === 'idle' && starting.has(reader.process)) continue;
    if (reader.at === 'idle') starting.add(reader.process);
    const move = MOVES[reader.at];
    if (move === undefined) continue;
    add(`reader ${index} in process ${reader.process}: ${move.name}`, (draft) => {
      const self = draft.readers[index] as StringReader;
      move.act({ draft, self, home: draft.processes[reader.process] as StringProcess, index, has });
    });
  }
  return steps;
}

// ── Scripts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * An invalidation of the label that all entries carry, of another, of more others than the string names, or of everything. Without a hash nothing is
 * valid. The sequence stands for the time: a clock that was put back goes on behind everything it has said, but for a
 * server whose time is behind, too.
 */
function invalidate(draft: StringState, kind: 'label' | 'other' | 'many' | 'all', has: StringGuards): void {
  const { shard, recent } = draft;
  const before = recent.bulk === shard.bulk || !has.listOfBulk ? recent : listOf(shard.bulk);
  const differs = draft.said !== null && shard.generation !== 0 && !isSame(draft.said, saidOf(draft, has));
  if (has.comparedFirst && differs) beginAnew(draft);
  if (has.removedFirst) draft.said = null;
  if (shard.generation === 0) return;
  shard.clock = Math.max(shard.clock, shard.sequence) + 1;
  shard.sequence = shard.clock;
  shard.bulk = shard.clock;
  if (kind === 'label') shard.label = shard.clock;
  if (kind === 'all') shard.minimumStamp = shard.clock;
  const fits = has.room && (kind === 'label' || kind === 'other');
  draft.recent = fits ? listWith(before, NAMED[kind], shard.clock, has) : listOf(shard.clock);
  if (has.saidWithInvalidation) draft.said = saidOf(draft, has);
}

/** With one more name, for which the one that was there has to go unless it is the same. */
function listWith(before: Recent, named: Recent['named'], stamp: number, has: StringGuards): Recent {
  if (!has.named) return { ...before, bulk: stamp };
  const isDropped = before.named !== NAMED.none && before.named !== named;
  const since = isDropped && has.beginsBehindDropped ? before.stamp : before.since;
  return { bulk: stamp, since, named, stamp };
}

/** As an earlier version does it, which knows of no list, and whose string says nothing to later ones. */
function invalidateEarlier(draft: StringState, has: StringGuards): void {
  const { recent } = draft;
  invalidate(draft, 'label', has);
  draft.recent = recent;
  draft.said = null;
}

function write(draft: StringState, step: StringStep, has: StringGuards): void {
  const { shard } = draft;
  switch (step) {
    case 'commit':
      draft.db += 1;
      return;
    case 'invalidate':
      return invalidate(draft, 'label', has);
    case 'invalidateOther':
      return invalidate(draft, 'other', has);
    case 'invalidateMany':
      return invalidate(draft, 'many', has);
    case 'invalidateEarlier':
      return invalidateEarlier(draft, has);
    case 'clearEverything':
      if (shard.generation === 0 && !(has.clearFindsStrings && draft.said !== null)) return;
      return invalidate(draft, 'all', has);
    case 'findShards':
      draft.isFound = shard.generation !== 0 || (has.clearFindsStrings && draft.said !== null);
      return;
    case 'clearFound':
      if (draft.isFound) invalidate(draft, 'label', has);
      return;
    case 'evict':
      // Without a hash nothing has to be noted, and the string says what it did.
      if (shard.generation === 0) [shard.entry, shard.lease] = [null, null];
      else evict(shard, 0, HAS);
      return;
    case 'settle':
      draft.settled = draft.db;
      if (!draft.isUnsound) owe(draft);
  }
}

// ── What keeps the two together ─────────────────────────────────────────────────────────────────────────────────────

function addTending(state: StringState, { threats = [] }: StringRules, has: StringGuards, add: Add): void {
  const { said, saying, shard, dump } = state;
  if (said === null && shard.generation !== 0) {
    if (has.saidInOneStep) add('the string is written again', (draft) => void (draft.said = saidOf(draft, has)));
    else if (saying === null)
      add('the hash is read for the string', (draft) => void (draft.saying = saidOf(draft, has)));
  }
  if (saying !== null) {
    add('the string is written as the hash was', (draft) => {
      draft.said = saying;
      draft.saying = null;
    });
  }
  if (said !== null) add('the hash is looked at beside the string', (draft) => check(draft, has));
  // A later one has less to lose.
  if (dump === null && state.writerAt < 2 && OLD.some((threat) => threats.includes(threat))) {
    add('a copy of the server is taken', (draft) => {
      const { shard: now, said: text, recent, writerAt } = draft;
      draft.dump = { shard: { ...now }, said: text, recent, writerAt };
    });
  }
  for (const [index, { known }] of state.processes.entries()) {
    if (known === null) continue;
    add(`process ${index} knows too many labels`, ({ processes: { [index]: self } }) => {
      if (self) self.known = null;
    });
  }
}

/** Which of the two is older cannot be told, so neither is believed. */
function check(draft: StringState, has: StringGuards): void {
  if (has.checked && !isSame(draft.said, saidOf(draft, has))) {
    draft.said = null;
    loseMeta(draft.shard);
  }
  believe(draft);
}

/** As a look does it. The string is removed by the invalidation itself. */
function beginAnew(draft: StringState): void {
  loseMeta(draft.shard);
  believe(draft);
}

function believe(draft: StringState): void {
  if (!draft.isUnsound) return;
  draft.isUnsound = false;
  owe(draft);
}

function owe({ processes, settled }: StringState): void {
  for (const process of processes) process.owed = settled;
}

function addMisfortunes(state: StringState, { threats = [], writer }: StringRules, has: StringGuards, add: Add): void {
  const { shard, said, dump } = state;
  if (state.mishaps === 0) return;
  const mishap: Add = (name, change) =>
    add(name, (draft) => {
      draft.mishaps -= 1;
      change(draft);
    });
  if (threats.includes('stringLoss') && said !== null) mishap('loss: the string', (draft) => void (draft.said = null));
  if (threats.includes('hashLoss') && shard.generation !== 0) mishap('loss: the hash', (d) => loseMeta(d.shard));
  if (dump === null) return;
  if (threats.includes('stringRestored')) {
    mishap('the string is put back to what it was', (draft) => {
      draft.said = dump.said;
      distrust(draft);
    });
  }
  if (threats.includes('hashRestored')) {
    mishap('the hash is put back to what it was', (draft) => {
      const { entry, lease, lastGeneration, sequence } = draft.shard;
      draft.shard = { ...dump.shard, entry, lease, lastGeneration, sequence };
      draft.recent = dump.recent;
      distrust(draft);
    });
  }
  // What this process has confirmed is said again before anything is read; what another had, that died, is not.
  if (threats.includes('failover')) {
    mishap('a server takes over that has the copy', (draft) => {
      draft.shard = { ...dump.shard, lastGeneration: draft.shard.lastGeneration };
      draft.recent = dump.recent;
      draft.said = dump.said;
      for (const step of writer.slice(dump.writerAt, draft.writerAt)) {
        if (TOLD_AGAIN.includes(step)) write(draft, step, has);
      }
      for (const reader of draft.readers) {
        if (has.oneServer && ['hash', 'labels', 'judge'].includes(reader.at)) reader.at = 'lease';
      }
      if (has.forgetsWithServer) for (const process of draft.processes) process.known = null;
    });
  }
}

function distrust(draft: StringState): void {
  draft.isUnsound = true;
  for (const process of draft.processes) process.owed = 0;
  for (const reader of draft.readers) reader.owed = 0;
}
