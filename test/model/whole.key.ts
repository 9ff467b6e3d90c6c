/** How a state of the whole protocol is told from another. */
import { NOTHING, pack } from './key.js';
import { AT_CODE, type Entry, type Lease, type Message, type State } from './whole.state.js';

/**
 * Every field but `stale`, which ends a path, and `now`: only ages and times left matter, and beyond X an age is just old.
 * So time may run for ever and the states are still finite.
 */
export function keyOf(state: State): string {
  const { shard, due, now, maxUnvalidatedTicks: max, resendable } = state;
  const codes = [
    pack(state.db, state.evicted, state.mishaps, due === null ? null : Math.max(due.at - now, 0)),
    // Which fill an entry came from is only ever asked when a copy in L1 is compared with it.
    state.processes.some(({ hasL1 }) => hasL1)
      ? entryCode(shard.entry)
      : entryCode(shard.entry && { ...shard.entry, token: 0 }),
    leaseCode(shard.lease),
    pack(shard.holds, shard.generation, shard.lastGeneration, shard.clock),
    pack(shard.minimumStamp, shard.bulk, shard.pattern, shard.label),
    pack(shard.sequence, flags(shard.indexed, shard.indexLost), due?.version ?? null),
    entryCode(resendable.fill),
    leaseCode(resendable.lease),
  ];
  for (const { at, crashed, version } of state.writers) codes.push(pack(at, flags(crashed), version));
  for (const { l1, bus, lastHeard, flight, owed } of state.processes) {
    codes.push(entryCode(l1?.entry), leaseCode(flight));
    codes.push(
      pack(ageOf(l1?.validatedAt, now, max), lastHeard?.sequence ?? null, lastHeard?.generation ?? null, owed),
      bus.length,
    );
    for (const message of bus) codes.push(messageCode(message));
  }
  for (const { at, owed, version, lease, found, seen, joined, ticket } of state.readers) {
    codes.push(pack(AT_CODE[at], owed, version, flags(ticket)), pack(joined, ageOf(found?.validatedAt, now, max)));
    codes.push(leaseCode(lease), entryCode(found?.entry));
    if (seen) codes.push(pack(seen.generation, seen.minimumStamp, seen.label, ageOf(seen.at, now, max)));
  }
  return String.fromCharCode(...codes);
}

function entryCode(entry: Entry | null | undefined): number {
  return entry ? pack(entry.version, entry.stamp, entry.generation, entry.token) : NOTHING;
}

function leaseCode(lease: Lease | null): number {
  return lease ? pack(lease.token, lease.stamp, lease.generation) : NOTHING;
}

function messageCode({ sequence, generation, covers, owes }: Message): number {
  return pack(sequence, generation, flags(covers), owes);
}

function ageOf(moment: number | undefined, now: number, max: number): number | null {
  return moment === undefined ? null : Math.min(now - moment, max);
}

function flags(first: boolean, second = false): number {
  return (first ? 1 : 0) + (second ? 2 : 0);
}
