/**
 * Variants A–M: how the actors are put together, and all of them but the readers: the writer, the bus and the network.
 * Each step is one atomic thing that one party does; between any two of them every other party may run. The comment on a
 * step names the race it opens or closes.
 *
 * Left out here: ttl, crashes, loss of cache state or of messages, several keys, several writes. `whole.ts` adds most.
 */
import type { Model, Step } from './explore.js';
import { fillAtL2, nameOf, readerMoves } from './protocol.reader.js';
import {
  copyOf,
  initialState,
  keyOf,
  NEW,
  OLD,
  type AddStep,
  type Reader,
  type Rules,
  type State,
} from './protocol.state.js';

export function protocol(rules: Rules): Model<State> {
  return {
    initial: initialState(rules),
    keyOf,
    steps: (state) => stepsFrom(state, rules),
    // All readers have started, and none of those under way is owed anything.
    isOver: ({ readers }) =>
      readers.every((reader) => reader.at === 'done' || !(reader.at === 'idle' || isOwed(reader, rules))),
    staleRead: (state) => staleRead(state, rules),
  };
}

function staleRead({ readers }: State, rules: Rules): string | null {
  for (const [index, reader] of readers.entries()) {
    if (reader.at !== 'done' || reader.version !== OLD) continue;
    if (isOwed(reader, rules)) {
      const moment = rules.l1 ? 'its process handled the invalidation' : 'evict settled';
      return `${nameOf(reader, index)} started after ${moment} and returned the old version`;
    }
  }
  return null;
}

/** Two promises: after evict settled (one level), and after this process handled the message (two levels). */
function isOwed({ afterBus, afterSettle }: Reader, rules: Rules): boolean {
  return rules.l1 ? afterBus : afterSettle;
}

function stepsFrom(state: State, rules: Rules): Step<State>[] {
  const steps: Step<State>[] = [];
  const add: AddStep = (name, change) => {
    const next = copyOf(state);
    change(next);
    steps.push({ name, next });
  };
  addWriterStep(state, rules, add);
  if (rules.l1) addDeliveries(state, rules, add);
  if (rules.resend) addResend(state, rules, add);
  if (rules.mixesUp) addMixUps(state, rules, add);
  for (const [index, reader] of state.readers.entries()) {
    for (const { name, act } of readerMoves(reader, rules)) {
      add(`${nameOf(reader, index)}: ${name}`, (draft) => {
        const self = draft.readers[index];
        if (self) act(draft, self, index, rules);
      });
    }
  }
  return steps;
}

// ── Writer ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function addWriterStep({ writer }: State, rules: Rules, add: AddStep): void {
  if (writer === 'commit') add('writer: commits the new version', commit);
  if (writer === 'evict') add('writer: evict runs at L2', (draft) => evict(draft, rules));
  if (writer === 'settle') add('writer: evict settles', settle);
}

/** From here until the evict, whoever read the database before holds an old version that it may yet store. */
function commit(draft: State): void {
  draft.db = NEW;
  draft.writer = 'evict';
}

/** The race with a fill under way: deleting the entry is useless when the fill comes after, so the lease goes with it. */
function evict(draft: State, rules: Rules): void {
  draft.writer = 'settle';
  if (rules.labels) {
    draft.clock += 1;
    draft.bulk = draft.clock;
  } else {
    draft.entry = null;
    if (rules.lease) draft.lease = null;
  }
  if (rules.localFlightDrop) draft.flights[0] = null;
  if (rules.l1) {
    draft.bus = draft.bus.map((waiting) => waiting + 1);
    dropCopy(draft, 0, rules);
  }
}

/** From here on, who starts to read is owed the new version. */
function settle(draft: State): void {
  draft.writer = 'done';
}

// ── Bus ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Messages arrive at any time after the evict, in either process first. */
function addDeliveries({ bus }: State, rules: Rules, add: AddStep): void {
  for (const [process, waiting] of bus.entries()) {
    if (waiting > 0) add(`bus: the message reaches process ${process}`, (draft) => deliver(draft, process, rules));
  }
}

function deliver(draft: State, process: number, rules: Rules): void {
  draft.bus[process] = (draft.bus[process] ?? 0) - 1;
  draft.heard[process] = true;
  dropCopy(draft, process, rules);
}

/** The race with a reply under way: it left L2 before the evict and would be stored here after this drop. */
function dropCopy(draft: State, process: number, rules: Rules): void {
  draft.l1[process] = null;
  if (!rules.cancelTickets) return;
  for (const reader of draft.readers) if (reader.process === process) reader.ticket = 'cancelled';
}

// ── Network ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The race with a lost reply: the client library sends the fill again, and an evict may have passed in between. */
function addResend({ resend }: State, rules: Rules, add: AddStep): void {
  if (resend === null || resend === 'sent') return;
  add('network: the client library re-sends the fill', (draft) => {
    draft.resend = 'sent';
    fillAtL2(draft, resend, rules);
  });
}

/** The race with an answer that is late: a prompt one passes it, and the question asked last is given what was true before. */
function addMixUps({ readers }: State, { mixesUp }: Rules, add: AddStep): void {
  for (const [first, early] of readers.entries()) {
    for (const [second, late] of readers.entries()) {
      if (early.at !== 'hit' || late.at !== 'read' || early.process !== late.process) continue;
      add(`network: the answer to reader ${first} comes to reader ${second}`, (draft) => {
        const [one, other] = [draft.readers[first], draft.readers[second]];
        if (one === undefined || other === undefined) return;
        if (mixesUp === 'noticed') one.at = other.at = 'load';
        else [one.entry, one.at, other.entry, other.at] = [draft.entry, draft.entry ? 'hit' : 'read', one.entry, 'hit'];
        if (mixesUp === 'noticed') one.entry = null;
      });
    }
  }
}
