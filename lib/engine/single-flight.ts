import type { Loading } from '../core/frame.js';
import type { Key, KeyId } from '../core/keys/key.js';
import type { Label } from '../core/keys/label.js';
import type { Partition } from '../core/keys/partition.js';
import { FairShare } from './fair-share.js';

/** What a load brought: the loader's own value, and what became of it. */
export interface LoadResult {
  readonly value: unknown;
  readonly labels: readonly Label[];
  readonly freshUntilMs: number;
}

type Landing = { readonly loaded: LoadResult } | { readonly error: unknown };

/** One load of one key under way in this process. */
export class InFlightLoad {
  private landed: Landing | undefined;
  private landingSignal: Promise<LoadResult> | undefined;
  private settle: ((landed: Landing) => void) | undefined;
  private overdueSignal: Promise<void> | undefined;
  private giveUp: (() => void) | undefined;
  private isOverdue = false;

  constructor(
    readonly id: KeyId,
    /** The token of the lease it runs under, if it has one. */
    readonly token: string | undefined,
    readonly loading: Loading,
    /**
     * Begins the load. To be called once, by the caller who leads it and who alone waits for what it returns: V8 follows
     * a promise to the function that awaits it only where one does, and ends the stack of an error at one that several
     * listen to.
     */
    readonly begin: (flight: InFlightLoad) => Promise<LoadResult>,
  ) {}

  /** What comes of the load, for all others. */
  get landing(): Promise<LoadResult> {
    return (this.landingSignal ??= new Promise<LoadResult>((resolve, reject) => {
      this.settle = (landed) => ('loaded' in landed ? resolve(landed.loaded) : reject(landed.error as Error));
      if (this.landed !== undefined) this.settle(this.landed);
    }));
  }

  /** Resolves when the load has taken longer than a load may: whoever waits for it should stop. Never rejects. */
  get overdue(): Promise<void> {
    return (this.overdueSignal ??= new Promise<void>((resolve) => {
      if (this.isOverdue) resolve();
      else this.giveUp = resolve;
    }));
  }

  /** Resolves when nobody need wait for it any more: it has landed, failed, or is overdue. Never rejects. */
  get ended(): Promise<unknown> {
    const ignore = (): void => undefined;
    return Promise.race([this.landing.then(ignore, ignore), this.overdue]);
  }

  land(landed: Landing): void {
    this.landed = landed;
    this.settle?.(landed);
  }

  becomeOverdue(): void {
    this.isOverdue = true;
    this.giveUp?.();
  }
}

/** Leases remembered that could not be given back. Beyond it the oldest are waited for until they end by themselves. */
const MAX_ABANDONED = 10_000;

/**
 * The loads of this engine, one per key (invariant 2: keyed by the full id). A reader may join one only when the
 * backend, asked after the reader arrived, says that the flight's token is still the current lease (rule G2): a flight
 * that was under way when an invalidation settled must not serve those who came after it.
 */
export class SingleFlight {
  private readonly flights = new Map<KeyId, InFlightLoad>();
  private readonly share: FairShare<Partition>;
  /** Tokens of leases that nobody here uses any more, but that the backend could not be told to end. */
  private readonly abandoned = new Set<string>();

  constructor(maxFlights: number) {
    this.share = new FairShare(maxFlights);
  }

  get size(): number {
    return this.flights.size;
  }

  /** Whether a load of this key may join or begin: a tenant that has many under way leaves room for others. */
  admits({ id, space }: Key): boolean {
    return this.share.admits(space.partition) || this.flights.has(id);
  }

  /** The flight that a holder of `token` leads, if it is ours. */
  joinable(id: KeyId, token: string): InFlightLoad | undefined {
    const flight = this.flights.get(id);
    return flight?.token === token ? flight : undefined;
  }

  /** A flight whose lease was voided is replaced: its own callers still get its value, nobody else joins it. */
  begin(flight: InFlightLoad): void {
    if (!this.flights.has(flight.id)) this.share.enter(partitionOf(flight));
    this.flights.set(flight.id, flight);
  }

  /** Nobody joins this flight any more. */
  end(flight: InFlightLoad): void {
    if (this.flights.get(flight.id) !== flight) return;
    this.flights.delete(flight.id);
    this.share.leave(partitionOf(flight));
  }

  /** The lease of this token is of no use to anybody: whoever is told that it is held may replace it. */
  abandon(token: string): void {
    if (this.abandoned.size >= MAX_ABANDONED) this.abandoned.delete(this.abandoned.values().next().value as string);
    this.abandoned.add(token);
  }

  isAbandoned(token: string): boolean {
    return this.abandoned.size > 0 && this.abandoned.has(token);
  }
}

function partitionOf({ loading }: InFlightLoad): Partition {
  return loading.key.space.partition;
}
