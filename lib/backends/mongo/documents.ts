/**
 * What stands in the collection. Every name is made here, of the prefix and of words that the library minted: text of a
 * user is never a field name, an operator or a regular expression. Kinds of documents:
 *
 *   <prefix>:1:e:<shard>:<id>   an entry with the lease on it
 *     m mark     changes with every value stored; absent: there is no value, only a lease or a ticket
 *     v value    the envelope; or q, the number of a counter, with h, the end of its ttl (null: none)
 *     i s g      generation, stamp and labels the value was born with; e: until when it is kept (null: no ttl, see ENDLESS_MS); z: bytes
 *     l lease    {k token, i generation, s stamp, u end}
 *     w tickets  {<token>: end}: writes under way
 *     n          the namespace, as it stands in the id
 *   <prefix>:1:m:<shard>        the state of a shard
 *     i generation, c clock, f minimum stamp, b last bulk invalidation, t {<field of a label>: its stamp}
 *   <prefix>:1:h:<name>         the sign of life of one process; b counts
 *   <prefix>:1:k:<name>         what tells the key of that name from others, where values are encrypted or signed
 *     c check
 *   <prefix>:1:a:<digest>       what an application and its environment are called (see core/application)
 *     a mark
 *   <prefix>:1:p:<name>         what a server is tried by before it is used, for a moment (see mongo/connection/server-probe)
 *   All have x, after which the server's own expiry may take them away.
 *
 * Times are milliseconds of the server's clock, stamps microseconds.
 */
import { createHash } from 'node:crypto';
import type { mongo } from 'mongoose';
import { ENVELOPE_MARK_BYTES } from '../../core/codec.js';
import { ValueTooLargeError } from '../../core/errors.js';
import { fingerprint } from '../../core/keys/fingerprint.js';
import type { KeyId } from '../../core/keys/key.js';
import { storedLabels, type Label } from '../../core/keys/label.js';
import type { Generation, Stamp } from '../../core/stamp.js';
import type { StoredHeader } from '../remote/index-scan.js';
import type { ShardState as RemoteState } from '../remote/shard-state.js';

export interface Stored {
  readonly _id: string;
  readonly [field: string]: unknown;
}

export type Documents = mongo.Collection<Stored>;
/** Names of operators with what they apply to. The driver's own type knows no fields whose names are computed. */
export type Change = mongo.UpdateFilter<Stored>;

/** A change as it is, for the driver. */
export function change(operators: Readonly<Record<`$${string}`, Readonly<Record<string, unknown>>>>): Change {
  return operators as unknown as Change;
}

/** The server's own expiry comes later by this: nothing that is under way may lose its document. */
const TTL_INDEX_MARGIN_MS = 120_000;
/** For the documents that tell keys apart: one for each name of a key of a cache. Earlier versions gave it to whatever has no ttl. */
export const FAR = new Date('9999-01-01T00:00:00Z');
/** How long a shard without entries is remembered. */
export const IDLE_STATE_MS = 3_600_000;
/** Sorts after every id: they are ASCII. */
export const AFTER_ALL = '\u007f';
const MAX_LABELS = 50_000;
/** A document has at most 16 MiB, and names, labels and a lease stand beside the value. */
const MAX_BYTES = 16_000_000;

/** When the server's own expiry may take what is needed until then. */
export function ttlIndexAt(untilServerMs: number): Date {
  const at = untilServerMs + TTL_INDEX_MARGIN_MS;
  return at < FAR.getTime() ? new Date(Math.ceil(at)) : FAR;
}

/** Characters of a field that are a digest; the rest of it is the label's fingerprint. */
const DIGEST_LENGTH = 22;
const PRINT = /^[0-9a-f]{8}$/;

/** The fingerprint of the label whose stamp stands in a field. Undefined: no such field. */
export function printOf(field: string): number | undefined {
  const print = field.slice(DIGEST_LENGTH);
  return PRINT.test(print) ? Number.parseInt(print, 16) : undefined;
}

/**
 * Where the stamps of labels stand. A label contains what a user wrote, a field name never does: it is a digest. Behind it
 * stands the fingerprint of the label, for a process that hears of a change and does not know the label.
 */
export class LabelFields {
  private readonly known = new Map<Label, string>();

  of(label: Label): string {
    let field = this.known.get(label);
    if (field === undefined) {
      if (this.known.size >= MAX_LABELS) this.known.clear();
      const digest = createHash('sha256').update(label).digest('base64url').slice(0, DIGEST_LENGTH);
      field = `${digest}${fingerprint(label).toString(16).padStart(8, '0')}`;
      this.known.set(label, field);
    }
    return field;
  }

  /** Paths of the stamps, to be asked for or set. */
  paths(labels: readonly Label[]): string[] {
    return labels.map((label) => `t.${this.of(label)}`);
  }
}

/** The state of a shard as one read saw it. */
export interface ShardState extends RemoteState {
  readonly clock: Stamp;
  /** Leases older than this are void. */
  readonly bulk: Stamp;
  /** When the server's own expiry may take it. */
  readonly endMs: number;
}

export interface HeldLease {
  readonly token: string;
  readonly generation: Generation;
  readonly stamp: Stamp;
  readonly untilMs: number;
}

/** What stands beside a value, readable without it; unproven. */
export interface EntryHeader extends StoredHeader {
  readonly mark: string;
  readonly sizeBytes: number;
}

export const STATE_FIELDS: readonly string[] = Object.freeze(['i', 'c', 'f', 'b', 'x']);
export const HEADER_FIELDS: readonly string[] = Object.freeze(['m', 'i', 's', 'g', 'e', 'z']);
export const ENTRY_FIELDS: readonly string[] = Object.freeze([...HEADER_FIELDS, 'v', 'q', 'h', 'l']);

export function projectionOf(fields: readonly string[]): Record<string, 1> {
  return Object.fromEntries(fields.map((field) => [field, 1 as const]));
}

/** Undefined: no state, or nothing of ours under its name. Then nothing in the shard is valid. */
export function stateOf(
  found: Stored | null | undefined,
  labels: readonly Label[],
  fields: LabelFields,
): ShardState | undefined {
  if (found == null || !isSoundState(found)) return undefined;
  const { i: generation, c, f, b, x, t } = found;
  const stamps = isRecord(t) ? t : {};
  return {
    generation: generation as Generation,
    clock: stampOf(c),
    minimumStamp: stampOf(f),
    bulk: stampOf(b),
    endMs: x instanceof Date ? x.getTime() : 0,
    stamps: new Map(
      labels.map((label) => {
        const field = fields.of(label);
        return [label, Object.hasOwn(stamps, field) ? stampOf(stamps[field]) : 0];
      }),
    ),
  };
}

/** False for a state that cannot be ours: it would refuse every call for its shard for ever. */
export function isSoundState({ i, c, f, b, t }: Partial<Stored>): boolean {
  const isAlive = typeof i === 'string' && i !== '';
  return isAlive && [c, f, b].every((stamp) => stampOf(stamp) !== Infinity) && (t === undefined || isRecord(t));
}

/** Undefined: no value there. */
export function headerOf(found: Stored | undefined): EntryHeader | undefined {
  const { m, i, s, g, e, z } = found ?? ({} as Partial<Stored>);
  if (typeof m !== 'string' || typeof i !== 'string' || typeof s !== 'number') return undefined;
  if (!Array.isArray(g) || !g.every((label) => typeof label === 'string')) return undefined;
  return {
    mark: m,
    generation: i,
    stamp: s,
    labels: storedLabels(g),
    keptUntilMs: typeof e === 'number' ? e : Infinity,
    sizeBytes: typeof z === 'number' ? z : 0,
  };
}

export function leaseOf(found: Stored | undefined): HeldLease | undefined {
  const lease = found?.['l'];
  if (!isRecord(lease)) return undefined;
  const { k, i, s, u } = lease;
  if (typeof k !== 'string' || typeof i !== 'string' || typeof s !== 'number' || typeof u !== 'number')
    return undefined;
  return { token: k, generation: i, stamp: s, untilMs: u };
}

/** The fields of a sealed value. @throws ValueTooLargeError */
export function valueFields(bytes: Buffer): Record<string, unknown> {
  if (bytes.length > MAX_BYTES) throw new ValueTooLargeError(bytes.length, MAX_BYTES);
  return { v: bytes, z: bytes.length, m: bytes.toString('base64url', 0, ENVELOPE_MARK_BYTES) };
}

/** The namespace in an id: `path/namespace@version/parts`. */
export function namespaceOf(id: KeyId): string {
  const start = id.indexOf('/') + 1;
  return id.slice(start, id.indexOf('/', start)).split('@', 1)[0] ?? '';
}

/** What is no number cannot have been survived. */
function stampOf(stamp: unknown): Stamp {
  return typeof stamp === 'number' && stamp >= 0 && stamp <= Number.MAX_SAFE_INTEGER ? stamp : Infinity;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
