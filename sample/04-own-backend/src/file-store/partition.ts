/** What a tenant has: the clock by which its entries are judged, the leases of loads under way, and an index of its files. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { survives } from 'nestjs-scoped-cache/backend';
import type { RequiredStamp, Header, KeyId, Label, Lease, Stamp } from 'nestjs-scoped-cache/backend';
import { nameOf, readIfThere, removeFile, replaceFile } from './files.js';

export const STATE = 'state.json';
/** Labels whose last invalidation is remembered by name. With more, the minimum for all rises: more goes than was asked for. */
const MAX_LABELS = 1_000;

/** An entry without its value. */
export interface Stored extends Header {
  readonly sizeBytes: number;
}

export interface EntryFile {
  readonly content: Buffer;
  readonly stored: Stored;
}

/** What a restart goes on with. */
interface KeptState {
  readonly generation: string;
  readonly clock: Stamp;
  readonly minimum: Stamp;
  readonly labels: readonly (readonly [Label, Stamp])[];
}

export class PartitionFolder {
  readonly stored = new Map<KeyId, Stored>();
  /** Not kept in the folder: what loads in a process ends with it. */
  readonly leases = new Map<KeyId, { readonly token: string; readonly stamp: Stamp; untilMs: number }>();
  /** Another life where no state is found: what was stored in the one before does not survive it. */
  generation: string = randomUUID();
  clock: Stamp = 0;
  private minimum: Stamp = 0;
  private readonly labels = new Map<Label, Stamp>();
  private lastBulk: Stamp = 0;
  private lastPattern: Stamp = 0;
  private isKept = false;

  constructor(private readonly folder: string) {
    const kept = readIfThere(join(folder, STATE))?.toString();
    if (kept === undefined) return;
    const { generation, clock, minimum, labels } = JSON.parse(kept) as KeptState;
    Object.assign(this, { generation, clock, minimum, isKept: true });
    for (const [label, stamp] of labels) this.labels.set(label, stamp);
  }

  pathOf(id: KeyId): string {
    return join(this.folder, nameOf(id));
  }

  /** What an entry with these labels has to survive. */
  requiredFor(labels: readonly Label[]): RequiredStamp {
    const stamp = labels.reduce((newest, label) => Math.max(newest, this.labels.get(label) ?? 0), this.minimum);
    return { generation: this.generation, stamp };
  }

  isLive(entry: Stored | undefined, wallMs: number): boolean {
    return this.isValid(entry) && wallMs < entry.freshUntilServerMs + entry.graceMs;
  }

  isFresh(entry: Stored | undefined, wallMs: number): boolean {
    return this.isValid(entry) && wallMs < entry.freshUntilServerMs;
  }

  private isValid(entry: Stored | undefined): entry is Stored {
    return entry !== undefined && survives(entry, this.requiredFor(entry.labels));
  }

  /** Whether what was loaded under a lease may be stored with these labels. */
  accepts(lease: Lease, labels: readonly Label[]): boolean {
    return lease.stamp >= this.lastPattern && survives(lease, this.requiredFor(labels));
  }

  /** The token of a load that others may wait for: it has begun after the last invalidation. */
  awaited(id: KeyId, nowMs: number): string | undefined {
    const lease = this.leases.get(id);
    return lease !== undefined && lease.untilMs > nowMs && lease.stamp >= this.lastBulk ? lease.token : undefined;
  }

  store(id: KeyId, { content, stored }: EntryFile): void {
    if (!this.isKept) this.keep();
    replaceFile(this.folder, nameOf(id), content);
    this.stored.set(id, stored);
  }

  remove(id: KeyId): void {
    this.stored.delete(id);
    removeFile(this.pathOf(id));
  }

  /** Everything with one of these labels is invalid from here on, also after a restart; without labels, everything is. */
  invalidate(labels: readonly Label[] | undefined): void {
    this.lastBulk = ++this.clock;
    for (const label of labels ?? []) this.labels.set(label, this.clock);
    if (labels === undefined || this.labels.size > MAX_LABELS) {
      this.minimum = this.clock;
      this.labels.clear();
    }
    this.keep();
  }

  /** Kept as well: after a restart the clock must not stand at a stamp that entries from before have already. */
  beginPattern(): void {
    this.lastBulk = this.lastPattern = ++this.clock;
    this.keep();
  }

  tidy(wallMs: number, nowMs: number): void {
    for (const [id, entry] of this.stored) if (!this.isLive(entry, wallMs)) this.remove(id);
    for (const [id, { untilMs }] of this.leases) if (untilMs <= nowMs) this.leases.delete(id);
  }

  private keep(): void {
    const { generation, clock, minimum, labels } = this;
    // Until it is written. Should that fail, it is made good before the next entry is stored.
    this.isKept = false;
    const kept: KeptState = { generation, clock, minimum, labels: [...labels] };
    replaceFile(this.folder, STATE, JSON.stringify(kept));
    this.isKept = true;
  }
}
