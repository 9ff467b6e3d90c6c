import type { Key, KeyId } from '../core/keys/key.js';
import type { Partition } from '../core/keys/partition.js';
import { FairShare } from './bounds/fair-share.js';
import type { InFlightLoad } from './in-flight-load.js';

/** Leases remembered that could not be given back. Beyond it the oldest are waited for until they end by themselves. */
const MAX_ABANDONED = 10_000;

/**
 * The loads of this engine, one per key (invariant 2: keyed by the full id). A caller may join one only when the
 * backend, asked after the caller came, says that the load's token is still the current lease (rule G2): a load that was
 * under way when an invalidation settled must not serve callers that came after it.
 */
export class SingleFlight {
  private readonly loads = new Map<KeyId, InFlightLoad>();
  private readonly share: FairShare<Partition>;
  /** Tokens of leases that no load of this process uses any more, but that the backend could not be told to end. */
  private readonly abandoned = new Set<string>();

  constructor(private readonly maxFlights: number) {
    this.share = new FairShare(maxFlights);
  }

  get size(): number {
    return this.loads.size;
  }

  /** Whether a load of this key may be joined or begin: a tenant that has many under way leaves room for others. */
  admits({ id, space }: Key): boolean {
    const { loads } = this;
    return loads.size < this.maxFlights || this.share.admits(space.partition) || loads.has(id);
  }

  /** The load that runs under the lease of `token`, if it is of this process. */
  joinable(id: KeyId, token: string): InFlightLoad | undefined {
    const load = this.loads.get(id);
    return load?.rules.lease?.token === token ? load : undefined;
  }

  /** A load whose lease was voided is replaced: its own callers still get its value, no further ones join it. */
  begin(load: InFlightLoad): void {
    const { id, space } = load.call.key;
    if (!this.loads.has(id)) this.share.enter(space.partition);
    this.loads.set(id, load);
  }

  /** No further callers join this load. */
  end(load: InFlightLoad): void {
    const { id, space } = load.call.key;
    if (this.loads.get(id) !== load) return;
    this.loads.delete(id);
    this.share.leave(space.partition);
  }

  /** The lease of this token serves no load any more: a caller that is told that it is held may replace it. */
  abandon(token: string): void {
    if (this.abandoned.size >= MAX_ABANDONED) this.abandoned.delete(this.abandoned.values().next().value as string);
    this.abandoned.add(token);
  }

  isAbandoned(token: string): boolean {
    return this.abandoned.size > 0 && this.abandoned.has(token);
  }
}
