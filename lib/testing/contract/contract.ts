import type { Backend } from '../../core/backend.js';
import type { RegisteredType } from '../../core/values/type-registration.js';
import type { Clock } from '../../core/clock.js';

/** What a case asks of a store. */
export interface ContractRequest {
  /** Backends over the one store, as that many processes would have. */
  readonly clients: number;
  /** Classes whose instances the backends have to keep. */
  readonly types: readonly RegisteredType[];
  /**
   * The case counts or removes everything in the store, or closes a client: it needs a store of its own. Stores and their
   * clients may be shared by the other cases, one after the other, since the names in each case are its own.
   */
  readonly isAlone?: boolean;
}

/** A store to prove, with its clients. Each case may get a new one; see `isAlone` for those that must. */
export interface ContractStore {
  /** One for each client. A backend that lives inside the process may give the same one several times. */
  readonly backends: readonly Backend[];
  /** The clock the backends were built with. */
  readonly clock: Clock;
  /** Lets time pass, for the store and for its clients: by moving a fake clock, or by waiting. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** How the contract reaches a kind of backend. */
export interface ContractHarness {
  open(request: ContractRequest): Promise<ContractStore>;
  /**
   * The shortest time that `pass` can be trusted with: what was to end after three of these is still there after two and
   * gone after three. 1 where the clock is fake; over a network a few times the length of a round trip.
   */
  readonly tickMs: number;
}

/** One promise of `Backend`, and how to see whether it is kept. Throws (an AssertionError) when it is not. */
export interface ContractCase {
  /** A sentence about what a backend does. */
  readonly name: string;
  run(harness: ContractHarness): Promise<void>;
}
