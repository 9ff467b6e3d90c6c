import type { ResolvedQuota } from './options.js';
import type { MetadataFields } from './shared-metadata.js';

/** The bounds of a store. */
export interface StoreBounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** Of one entry. */
  readonly maxEntryBytes: number;
  /** Of one tenant. */
  readonly quota?: ResolvedQuota | undefined;
}

/** An entry on its way into the store. */
export interface Placement extends MetadataFields {
  readonly value: unknown;
  readonly keptUntilMs: number;
  readonly sizeBytes: number;
}
