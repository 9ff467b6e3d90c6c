import { randomBytes } from 'node:crypto';
import type { Backend, BackendFactory, BackendInfo, FillOutcome, LeaseReply, Page, Reading } from '../core/backend.js';
import type { Key } from '../core/keys/key.js';

const NOTHING: Reading = Object.freeze({
  entry: undefined,
  required: Object.freeze({ generation: '', stamp: 0 }),
  level: 'l1',
});

/** Remembers nothing: what stands behind a cache that is switched off. Every read misses, every write is forgotten. */
export const nullBackend: BackendFactory = Object.freeze({ kind: 'null', create: () => new NullBackend() });

class NullBackend implements Backend {
  readonly kind = 'null';

  read(): Reading {
    return NOTHING;
  }

  readMany(keys: readonly Key[]): readonly Reading[] {
    return keys.map(() => NOTHING);
  }

  lease(key: Key): LeaseReply {
    return {
      kind: 'granted',
      lease: { key, token: randomBytes(12).toString('hex'), generation: '', stamp: 0 },
      reading: NOTHING,
    };
  }

  renew(): boolean {
    return false;
  }

  release(): void {
    // Nothing was held.
  }

  fill(): FillOutcome {
    return 'lease-lost';
  }

  write(): void {
    // Forgotten on purpose.
  }

  writeMany(): void {
    // Forgotten on purpose.
  }

  expire(): boolean {
    return false;
  }

  /** Every count is the first one. */
  increment(_key: Key, by: number): number {
    return by;
  }

  evict(): number {
    return 0;
  }

  invalidate(): void {
    // Nothing to invalidate.
  }

  clear(): number {
    return 0;
  }

  clearEverything(): number {
    return 0;
  }

  removeMatching(): number {
    return 0;
  }

  scan(): Page {
    return { keys: [], cursor: undefined };
  }

  usage(): { entries: number; bytes: number } {
    return { entries: 0, bytes: 0 };
  }

  info(): BackendInfo {
    return { kind: this.kind, entries: 0, usedBytes: 0 };
  }

  ping(): void {
    // Always there.
  }

  close(): void {
    // Nothing was opened.
  }
}
