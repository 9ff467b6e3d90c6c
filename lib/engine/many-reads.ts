import type { Backend, Reading } from '../core/backend.js';
import type { PendingFills } from './bounds/pending-fills.js';
import type { Call } from './call.js';
import { inheritInto, type Lookup } from './lookup.js';
import type { Report } from './report.js';

/** Reads of many keys in one question. */
export class ManyReads {
  constructor(
    private readonly backend: Backend,
    private readonly lookup: Lookup,
    private readonly report: Report,
    private readonly fills: PendingFills,
  ) {}

  /** The fresh values among the keys, in their order; undefined where there is none. */
  async get(calls: readonly Omit<Call, 'loader'>[]): Promise<readonly unknown[]> {
    const first = calls[0];
    if (first === undefined) return [];
    if (this.fills.count > 0) await this.fills.ofAll(calls.map(({ key }) => key));
    let readings: readonly Reading[];
    try {
      const { policy, frame } = calls.find((call) => call.policy.level === 'l2') ?? first;
      readings = await this.backend.readMany(
        calls.map(({ key }) => key),
        frame?.loading?.handling(policy, first.key.space) ?? policy,
      );
    } catch (error) {
      this.unanswered(calls, error);
      return calls.map(() => undefined);
    }
    const lost = calls.filter((_, index) => readings[index]?.unanswered !== undefined);
    if (lost.length > 0) this.unanswered(lost, readings.find((reading) => reading.unanswered)?.unanswered);
    return calls.map((call, index) => this.pick(call, readings[index]));
  }

  /** @throws where a call wants to know */
  private unanswered(calls: readonly Omit<Call, 'loader'>[], error: unknown): void {
    const { key, policy } = calls[0] as Call;
    const failure = this.report.failure(key.space, 'readMany', this.backend.kind, error);
    for (const call of calls) this.report.bypass(call.key, 'backend');
    if (policy.failSilently === false) throw failure;
  }

  private pick(call: Omit<Call, 'loader'>, reading: Reading | undefined): unknown {
    call.frame?.loading?.note(call.key.space);
    if (reading?.unanswered !== undefined) return undefined;
    const entry = reading === undefined ? undefined : this.lookup.freshOf(reading, call.key, call.policy);
    if (entry === undefined) {
      this.report.miss(call.key, 0);
      return undefined;
    }
    inheritInto(call, entry);
    return this.lookup.serve(call.key, entry, 'fresh', reading, this.lookup.startedAtMs());
  }
}
