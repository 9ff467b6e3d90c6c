/**
 * What a variant of the whole protocol is made of. All guards are present unless the variant names the ones it goes
 * without, and nothing goes wrong but what it names, so that each guard is shown to be needed against some misfortune.
 */

/** Guards the protocol has, or was found here to need. */
const GUARDS = [
  /** A hold does not run out while its writer lives. */
  'renewal',
  /** An evict deletes a lease but leaves the holds of other writers standing. */
  'evictSparesHolds',
  /** Each writer has a hold of its own; without it they share one slot. */
  'holdPerWriter',
  /** Entries carry the generation of the metadata they were judged by, and are void under another. */
  'entryGeneration',
  /** So do leases. */
  'leaseGeneration',
  /** Metadata that was lost begins again later than it ever was. Without it: at zero. */
  'clockFromTime',
  /** A fill older than the last pattern invalidation is refused. */
  'patternStamp',
  /** A pattern invalidation also voids older leases. */
  'patternBulk',
  /** A fill and its index entry are one script. */
  'indexWithFill',
  /** A pattern invalidation notices a lost index, and raises the minimum stamp instead. */
  'indexMarker',
  /** A copy in L1 is believed for X, then L2 is asked. */
  'validationLease',
  /** X runs from when L2 was asked, not from when its answer arrived. */
  'validatedWhenAsked',
  /** Asking L2 means comparing with the entry that is there, not seeing that there is one. */
  'comparedOnValidation',
  /** Comparing by the token of the fill. Without it: by stamp. */
  'comparedByToken',
  /** An evict moves the clock of the shard. */
  'evictTicks',
  /** A jump in the sequence of messages flushes L1. */
  'gapFlush',
  /** The first message of a shard counts as a jump. */
  'firstMessageFlush',
  /** So does a message under another generation. */
  'generationFlush',
  /** A flush cancels tickets as a drop does. */
  'flushCancels',
  /** The evicting process cancels tickets when L2 has answered, not only before it asks. */
  'cancelOnAnswer',
  /** A lease is the same only if token and stamp are. */
  'leaseByStamp',
  /** A reader that cannot reach L2 loads alone. */
  'aloneInOutage',
] as const;

/** What may go wrong. Those above the line happen at most `mishaps` times in all, the others whenever they can. */
const THREATS = [
  'metadataLoss',
  'entryLoss',
  'leaseLoss',
  'indexLoss',
  'resentFill',
  // Late, too: it stands for a token used in two attempts, of which the first was given up but still runs.
  'resentLease',
  'reconnect',
  // ────────────
  'messageLoss',
  'crash',
  'outage',
] as const;

export type Guard = (typeof GUARDS)[number];
export type Threat = (typeof THREATS)[number];
export type Guards = Readonly<Record<Guard, boolean>>;
export type Threats = Readonly<Record<Threat, boolean>>;

export type WriterStep =
  'hold' | 'commit' | 'dropLocal' | 'evict' | 'invalidate' | 'stampPattern' | 'page' | 'evictOther' | 'settle';

export interface WholeRules {
  /** Process of each reader. All writers live in process 0. */
  readonly readers: readonly number[];
  /** What each writer does, in order. */
  readonly writers: readonly (readonly WriterStep[])[];
  readonly without?: readonly Guard[];
  readonly threats?: readonly Threat[];
  /** @default 1 */
  readonly mishaps?: number;
  /** Hits by two plain reads in any order, entry and metadata; the script only after a miss (4.10). */
  readonly plainLookup?: boolean;
  /** Two levels. The promise is then: at settle in the evicting process, elsewhere on hearing of it, everywhere after X. */
  readonly l1?: boolean;
  /** One level: from which moment readers are owed the new version. @default 'settle' */
  readonly owedFrom?: 'settle' | 'commit';
  /** Whether time passes; it may pass at any moment. */
  readonly time?: boolean;
  /** X. Two ticks are finer than one, and twice the states. @default 1 */
  readonly maxUnvalidatedTicks?: number;
}

/** All guards but the ones the variant goes without. */
export function guardsOf({ without = [] }: WholeRules): Guards {
  return record(GUARDS, (guard) => !without.includes(guard));
}

export function threatsOf({ threats = [] }: WholeRules): Threats {
  return record(THREATS, (threat) => threats.includes(threat));
}

function record<Name extends string>(names: readonly Name[], isOn: (name: Name) => boolean): Record<Name, boolean> {
  return Object.fromEntries(names.map((name) => [name, isOn(name)])) as Record<Name, boolean>;
}
