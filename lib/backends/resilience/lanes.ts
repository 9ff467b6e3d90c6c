/**
 * Guarded calls to several servers that keep one cache together, each behind a circuit and a queue of its own: one that is
 * dead takes its own tenants with it and no others. What has passed to another server is that one's affair from the next
 * call on, and so are the invalidations that the last one did not confirm.
 */
import type { Awaitable } from '../../core/async/awaitable.js';
import type { BackendInfo } from '../../core/backend.js';
import { UnansweredError } from '../../core/errors.js';
import type { Key } from '../../core/keys/key.js';
import type { Partition } from '../../core/keys/partition.js';
import { sum } from '../shared/batches.js';
import type { Invalidation } from '../shared/invalidation.js';
import type { Owners } from '../shared/owners.js';
import { isAnswer, reasonOf } from '../shared/refused.error.js';
import type { GuardedCalls } from './guarded-calls.js';
import type { Journal } from './journal.js';

/** How often an invalidation is sent anew because something passed to another server meanwhile. */
const MAX_TURNS = 3;

export interface LanesParts {
  readonly kind: string;
  readonly owners: Owners;
  readonly journal: Journal;
  /** Calls to one of the servers. */
  readonly make: (owner: string) => GuardedCalls;
}

export class Lanes {
  private readonly lanes = new Map<string, GuardedCalls>();

  readonly owners: Owners;
  private isClosed = false;

  constructor(private readonly parts: LanesParts) {
    this.owners = parts.owners;
    parts.owners.onMoved = () => this.regroup();
  }

  /** The way to the server that keeps a key now. */
  of(key: Key): GuardedCalls {
    return this.to(this.parts.owners.of(key));
  }

  /** Keys by the servers that keep them now. */
  group(keys: readonly Key[]): ReadonlyMap<string, readonly Key[]> {
    const groups = new Map<string, Key[]>();
    for (const key of keys) {
      const owner = this.parts.owners.of(key);
      const known = groups.get(owner);
      if (known === undefined) groups.set(owner, [key]);
      else known.push(key);
    }
    return groups;
  }

  /**
   * Invalidates wherever it concerns something: what answers has confirmed its part whatever becomes of the others', and
   * theirs is queued. @throws when a part is not confirmed
   */
  async invalidate(invalidation: Invalidation, work: () => Awaitable<number | void>): Promise<number> {
    const { owners, kind } = this.parts;
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      const concerned = [...owners.concernedBy(invalidation)];
      const { version } = owners;
      if (concerned.length === 1) return await this.at(concerned[0] as string, invalidation, work);
      const parts = concerned.map((owner) =>
        this.at(owner, invalidation, () => owners.apply(owner, invalidation, true)),
      );
      const removed = await this.settled(invalidation.kind, parts);
      // What has changed hands meanwhile may have been left out by both.
      if (version === owners.version) return removed;
    }
    this.queueUp(invalidation);
    throw new UnansweredError(invalidation.kind, 'other servers answer', kind);
  }

  /** At the server that keeps all that it means. */
  async at(owner: string, invalidation: Invalidation, work: () => Awaitable<number | void>): Promise<number> {
    const { owners } = this.parts;
    const { version } = owners;
    try {
      return (await this.to(owner).untilConfirmed(invalidation, work)) ?? 0;
    } catch (error) {
      // Queued where it was, and nothing is read there any more.
      if (version !== owners.version && !isAnswer(error)) this.queueUp(invalidation);
      throw error;
    }
  }

  /** Not confirmed, and not to be waited for: sent before anything that it concerns is read again. */
  queueUp(invalidation: Invalidation): void {
    for (const owner of this.parts.owners.concernedBy(invalidation)) this.to(owner).queueUp(invalidation);
  }

  /** The way to the server that keeps all that an invalidation would mean; undefined: there are several. */
  onlyOf(invalidation: Invalidation): GuardedCalls | undefined {
    const [owner, ...others] = this.parts.owners.concernedBy(invalidation);
    return owner === undefined || others.length > 0 ? undefined : this.to(owner);
  }

  /** Whether something in a partition has an invalidation before it that was not confirmed. */
  owes(partition: Partition): boolean {
    const { owners } = this.parts;
    return [...this.lanes].some(([owner, lane]) => lane.owes(partition) && owners.keeps(owner, partition));
  }

  /** How many all of them removed. @throws when one has failed, after all have settled */
  async settled(operation: string, parts: readonly Promise<number>[]): Promise<number> {
    const outcomes = await Promise.allSettled(parts);
    const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    const [first] = failures;
    if (first === undefined) return sum(outcomes.map((outcome) => (outcome as PromiseFulfilledResult<number>).value));
    const failure = failures.find((error) => !isAnswer(error)) ?? first;
    if (failures.length === parts.length || isAnswer(failure)) throw failure as Error;
    const why = `${reasonOf(failure)}; ${parts.length - failures.length} of ${parts.length} servers have done their part`;
    throw new UnansweredError(operation, why, this.parts.kind, { cause: failure });
  }

  /** Of all of them together, and which of them do not answer. @throws when none does */
  async info(): Promise<BackendInfo> {
    const names = [...this.parts.owners.all()];
    const ask = (name: string): Promise<BackendInfo> =>
      this.to(name).guard('info', () => this.parts.owners.info(name), 'probe');
    const outcomes = await Promise.allSettled(names.map(ask));
    const missing = names.filter((_name, at) => outcomes[at]?.status === 'rejected');
    const infos = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const [first] = infos;
    if (first === undefined) throw (outcomes[0] as PromiseRejectedResult).reason as Error;
    const maxBytes = sum(infos.map(({ maxBytes: most }) => most ?? Infinity));
    return {
      ...first,
      entries: sum(infos.map(({ entries }) => entries)),
      usedBytes: sum(infos.map(({ usedBytes }) => usedBytes)),
      maxBytes: maxBytes === Infinity ? undefined : maxBytes,
      details: {
        ...first.details,
        masters: names.length,
        ...(missing.length === 0 ? {} : { missing: missing.join(', ') }),
      },
    };
  }

  /** One server is there that was not before, or again: what it keeps may be yesterday's. */
  meetAnother(owner?: string): void {
    const { owners, journal } = this.parts;
    const recent = journal.recent();
    const concerned = recent.map((invalidation) => [invalidation, owners.concernedBy(invalidation)] as const);
    const names = owner === undefined ? new Set([...this.lanes.keys(), ...owners.all()]) : [owner];
    for (const name of names) {
      const its = concerned.flatMap(([invalidation, at]) => (at.has(name) ? [invalidation] : []));
      const lane = this.to(name);
      lane.meetAnother(its);
      lane.probeNow();
    }
  }

  /** The connection to a server has ended. */
  lose(owner: string): void {
    this.lanes.get(owner)?.lose();
  }

  probeNow(): void {
    for (const lane of this.lanes.values()) lane.probeNow();
  }

  close(): void {
    this.isClosed = true;
    for (const lane of this.lanes.values()) lane.close();
  }

  to(owner: string): GuardedCalls {
    const known = this.lanes.get(owner);
    if (known !== undefined) return known;
    const lane = this.parts.make(owner);
    this.lanes.set(owner, lane);
    if (this.isClosed) lane.close();
    return lane;
  }

  /** Something has passed to another server: what is queued goes with it. */
  private regroup(): void {
    const { owners } = this.parts;
    const current = owners.all();
    const queued = [...this.lanes.values()].flatMap((lane) => lane.handOver());
    for (const [owner, lane] of this.lanes) {
      if (owner === '' || current.has(owner)) continue;
      this.lanes.delete(owner);
      // What was asked of it may have been answered by the one that has taken over. Whether that answers shows by itself.
      lane.meetAnother([]);
      lane.outageLog.leave();
      lane.close(false);
    }
    for (const invalidation of queued) this.queueUp(invalidation);
  }
}

/** Resolves when one of the servers answers. */
export async function anyAnswers(owners: Owners): Promise<void> {
  try {
    await Promise.any([...owners.all()].map((owner) => owners.ping(owner)));
  } catch (error) {
    throw (error as AggregateError).errors[0];
  }
}
