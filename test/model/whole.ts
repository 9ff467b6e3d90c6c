/**
 * Variants N and later: the writers, the bus, time and misfortune, put together with the readers and the server.
 *
 * Left out: ttl and grace (an entry that runs out is like a lost one), several keys and shards, failover to an older
 * state (G7), a database that lags, values (identity, sealing), labels learnt from the loader. Where a request and its
 * execution are one step here, the step has the later of the two moments, which is the less cautious one.
 */
import type { Model, Step } from './explore.js';
import { keyOf } from './whole.key.js';
import { readerMoves, type Setting } from './whole.reader.js';
import * as script from './whole.shard.js';
import { guardsOf, threatsOf, type Guards, type WholeRules, type WriterStep } from './whole.rules.js';
import { copyOf, initialState, type Message, type Process, type State } from './whole.state.js';

type AddStep = (name: string, change: (draft: State) => void) => void;

interface Variant extends Setting {
  readonly rules: WholeRules;
}

export function whole(rules: WholeRules): Model<State> {
  const variant: Variant = { rules, has: guardsOf(rules), threat: threatsOf(rules) };
  return {
    initial: initialState(rules),
    keyOf,
    steps: (state) => stepsFrom(state, variant),
    // All readers have started, and none of those under way is owed anything. (A finished one is owed nothing more.)
    isOver: ({ readers }) => readers.every(({ at, owed }) => at !== 'idle' && owed === 0),
    staleRead: (state) => state.stale,
  };
}

function stepsFrom(state: State, variant: Variant): Step<State>[] {
  const steps: Step<State>[] = [];
  const add: AddStep = (name, change) => {
    const next = copyOf(state);
    change(next);
    steps.push({ name, next });
  };
  addWriterSteps(state, variant, add);
  addBusSteps(state, variant, add);
  addMisfortunes(state, variant, add);
  if (variant.rules.time) add('time passes', (draft) => void (draft.now += 1));
  const starting = new Set<number>();
  for (const [index, reader] of state.readers.entries()) {
    if (reader.at === 'idle') {
      // Readers of one process that have not begun are the same but for their number, so only the first may start.
      if (starting.has(reader.process)) continue;
      starting.add(reader.process);
    }
    for (const { name, act } of readerMoves(reader, variant)) {
      add(`reader ${index} in process ${reader.process}: ${name}`, (draft) => {
        const self = draft.readers[index];
        const home = draft.processes[reader.process];
        if (self && home) act(draft, self, home, index);
      });
    }
  }
  return steps;
}

// ── Writers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function addWriterSteps(state: State, variant: Variant, add: AddStep): void {
  for (const [index, writer] of state.writers.entries()) {
    const step = variant.rules.writers[index]?.[writer.at];
    if (step === undefined || writer.crashed) continue;
    add(`writer ${index}: ${STEP_NAMES[step]}`, (draft) => {
      const self = draft.writers[index];
      if (self) self.at += 1;
      act(draft, step, index, variant);
    });
    if (variant.threat.crash && writer.at > 0) {
      add(`writer ${index}: crashes`, ({ writers: { [index]: self } }) => void (self && (self.crashed = true)));
    }
  }
}

const STEP_NAMES: Readonly<Record<WriterStep, string>> = {
  hold: 'evicts and holds at L2',
  commit: 'commits a new version',
  dropLocal: 'drops its own copy',
  evict: 'evict runs at L2',
  invalidate: 'invalidation by label runs at L2',
  stampPattern: 'stamps the pattern at L2',
  page: 'evicts what the index lists',
  evictOther: 'evicts another key of the shard',
  settle: 'settles',
};

function act(draft: State, step: WriterStep, index: number, { rules, has }: Variant): void {
  const { shard } = draft;
  const writer = draft.writers[index];
  if (!writer) return;
  switch (step) {
    case 'commit':
      draft.db += 1;
      writer.version = draft.db;
      if (rules.owedFrom === 'commit') oweEverywhere(draft, writer.version);
      return;
    case 'hold':
      script.hold(shard, index, has);
      return publish(draft, true, writer.version);
    case 'evict':
      script.evict(shard, index, has);
      return publish(draft, true, writer.version);
    case 'invalidate':
      script.invalidate(shard, has);
      return publish(draft, true, writer.version);
    case 'stampPattern':
      return script.stampPattern(shard, has);
    case 'page':
      script.page(shard, has);
      return publish(draft, true, writer.version);
    case 'evictOther':
      script.tick(shard, has);
      return publish(draft, false, 0);
    case 'dropLocal':
      return drop(draft, 0, true);
    case 'settle':
      return settle(draft, writer.version, rules.l1 === true, has);
  }
}

/** The race in the evicting process: a read that L2 answered before the evict may arrive after the first drop. */
function settle(draft: State, version: number, l1: boolean, has: Guards): void {
  if (!l1) return oweEverywhere(draft, version);
  drop(draft, 0, has.cancelOnAnswer);
  const home = draft.processes[0];
  if (home) home.owed = Math.max(home.owed, version);
  draft.due = { version, at: draft.now + draft.maxUnvalidatedTicks };
}

function oweEverywhere(draft: State, version: number): void {
  for (const process of draft.processes) process.owed = Math.max(process.owed, version);
}

// ── Bus ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

function publish(draft: State, covers: boolean, version: number): void {
  draft.evicted = Math.max(draft.evicted, version);
  const { sequence, generation } = draft.shard;
  const message: Message = { sequence, generation, covers, owes: draft.evicted };
  for (const process of draft.processes) if (process.hasL1) process.bus = [...process.bus, message];
}

function addBusSteps({ processes }: State, { threat, has }: Variant, add: AddStep): void {
  for (const [index, { bus }] of processes.entries()) {
    const [message, ...rest] = bus;
    if (message === undefined) continue;
    const take = (draft: State): Process | undefined => {
      const process = draft.processes[index];
      if (process) process.bus = rest;
      return process;
    };
    const name = `message ${message.sequence}`;
    add(`bus: ${name} reaches process ${index}`, (draft) => hear(draft, index, take(draft), message, has));
    if (threat.messageLoss) add(`bus: ${name} to process ${index} is lost`, take);
  }
}

/** A message that never came is seen only by the next one's number, if at all. X bounds what is not seen. */
function hear(draft: State, index: number, self: Process | undefined, message: Message, has: Guards): void {
  if (!self) return;
  if (has.gapFlush && isJump(self.lastHeard, message, has)) drop(draft, index, has.flushCancels);
  if (message.covers) drop(draft, index, true);
  self.lastHeard = message;
  self.owed = Math.max(self.owed, message.owes);
}

function isJump(last: Message | null, message: Message, has: Guards): boolean {
  if (last === null) return has.firstMessageFlush;
  if (has.generationFlush && last.generation !== message.generation) return true;
  return message.sequence !== last.sequence + 1;
}

/** The race with a reply under way: without cancelling its ticket it would be stored after this drop. */
function drop(draft: State, index: number, cancel: boolean): void {
  const process = draft.processes[index];
  if (process) process.l1 = null;
  if (!cancel) return;
  for (const reader of draft.readers) if (reader.process === index) reader.ticket = false;
}

// ── Misfortune ──────────────────────────────────────────────────────────────────────────────────────────────────────

function addMisfortunes(state: State, { rules, threat, has }: Variant, add: AddStep): void {
  const { shard, resendable } = state;
  for (const [index, { at, crashed }] of state.writers.entries()) {
    const alive = !crashed && at < (rules.writers[index]?.length ?? 0);
    if ((shard.holds & (1 << index)) === 0 || (alive && has.renewal)) continue;
    add(`time: the hold of writer ${index} runs out`, (draft) => void (draft.shard.holds &= ~(1 << index)));
  }
  if (state.mishaps === 0) return;
  const mishap: AddStep = (name, change) =>
    add(name, (draft) => {
      draft.mishaps -= 1;
      change(draft);
    });
  if (threat.metadataLoss && shard.generation !== 0) {
    mishap('loss: the metadata', (draft) => script.loseMeta(draft.shard));
  }
  if (threat.entryLoss && shard.entry) mishap('loss: the entry', (draft) => void (draft.shard.entry = null));
  if (threat.leaseLoss && shard.lease) mishap('loss: the lease', (draft) => void (draft.shard.lease = null));
  if (threat.indexLoss && shard.indexed) mishap('loss: the index', (draft) => script.loseIndex(draft.shard));
  const { fill, lease } = resendable;
  if (fill) {
    mishap('network: the client library re-sends a fill', (draft) => void script.fill(draft.shard, fill, has));
  }
  if (lease) {
    mishap('network: a request for a lease runs again', (draft) => {
      script.readOrLease(draft.shard, lease.token, has);
    });
  }
  if (threat.reconnect) {
    for (const index of state.processes.keys()) {
      mishap(`bus: process ${index} reconnects`, (draft) => reconnect(draft, index, has));
    }
  }
}

/** Whatever was under way to the old subscription is lost, so nothing in L1 can be trusted. */
function reconnect(draft: State, index: number, has: Guards): void {
  drop(draft, index, has.flushCancels);
  const process = draft.processes[index];
  if (!process) return;
  process.bus = [];
  process.lastHeard = null;
  process.owed = Math.max(process.owed, draft.evicted);
}
