/** MongoDB alone, and below memory whose copies are bounded by checks alone: what is true of both is tested of both. */
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { tiered } from '../../../lib/backends/tiered/tiered.backend.js';
import type { BackendFactory } from '../../../lib/core/backend.js';

/** How long a copy is believed without a check. */
export const X_MS = 100;
/** A check counts from when it was sent, so a round trip and what a busy machine adds to it is generous. */
const ROUND_TRIP_MS = 50;

export interface Levels {
  readonly over?: (l2: BackendFactory) => BackendFactory;
  /** How long after an invalidation elsewhere a read may still miss it. */
  readonly lateMs: number;
  /** Options of a process of its own. */
  readonly process: { readonly maxUnvalidated?: number; readonly bus?: false; readonly near?: false };
}

export const LEVELS: [string, Levels][] = [
  ['on MongoDB', { lateMs: 0, process: { near: false } }],
  [
    'with memory over MongoDB',
    {
      over: (l2) => tiered({ l1: memory(), l2, maxUnvalidated: X_MS, bus: false }),
      lateMs: X_MS + ROUND_TRIP_MS,
      process: { maxUnvalidated: X_MS, bus: false },
    },
  ],
];
