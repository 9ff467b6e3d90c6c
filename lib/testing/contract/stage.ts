import assert from 'node:assert/strict';
import type { Backend, Lease, LeaseReply, LeaseRequest, Reading, Selection } from '../../core/backend.js';
import type { RegisteredType } from '../../core/values/type-registration.js';
import type { Draft, Entry } from '../../core/entry.js';
import { compileGlob } from '../../core/keys/glob.js';
import { KeyFactory, type Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import { DEFAULT_POLICY, type Policy } from '../../core/policy.js';
import { scopeOf, type Scope, type Width } from '../../core/keys/scope.js';
import type { Space, View } from '../../core/keys/space.js';
import { StatsRegistry } from '../../core/keys/stats-registry.js';
import { judge, type Verdict } from '../../core/verdict.js';
import type { ContractStore } from './contract.js';

/** Where a key of the stage lives. Unless said otherwise: Ann's own, at Acme, in `things`. */
export interface Place {
  readonly tenant?: string;
  readonly user?: string;
  readonly width?: Width;
  readonly namespace?: string;
  readonly tags?: readonly string[];
}

/** What a case is played with: keys of several tenants and users, drafts, and looks at the store. */
export class Stage {
  /** Two clients of the same store: what one does, the other sees. */
  readonly a: Backend;
  readonly b: Backend;
  private readonly keyFactory: KeyFactory;

  constructor(
    private readonly store: ContractStore,
    readonly tickMs: number,
    /** Sets the names of this stage apart from those of others in the same store. */
    private readonly run: string,
    types: readonly RegisteredType[] = [],
  ) {
    const [a, b = a] = store.backends;
    assert.ok(a !== undefined && b !== undefined, 'the harness opened a store without clients');
    this.a = a;
    this.b = b;
    this.keyFactory = new KeyFactory({ types }, new StatsRegistry());
  }

  scope({ tenant = 'acme', user = 'ann' }: Place = {}): Scope {
    return scopeOf({ tenant: `${tenant}-${this.run}`, user });
  }

  space(place: Place = {}): Space {
    const { width = 'user', namespace = 'things' } = place;
    return this.keyFactory.space(this.scope(place), width, namespace.replace('things', `things-${this.run}`));
  }

  key(parts: unknown, place: Place = {}): Key {
    return this.keyFactory.key(this.space(place), Array.isArray(parts) ? parts : [parts], place.tags);
  }

  /** The view of a scope at its width; of one namespace in it, when the place names one. */
  view(place: Place = {}): View {
    const { width = 'user', namespace } = place;
    return this.keyFactory.view(this.scope(place), width, namespace?.replace('things', `things-${this.run}`));
  }

  /** The view of a namespace in all partitions. */
  everywhere(namespace: string): View {
    return this.keyFactory.everywhere(namespace.replace('things', `things-${this.run}`));
  }

  selection(pattern: string, place: Place = {}): Selection {
    return { view: this.view({ namespace: 'things', ...place }), match: compileGlob(pattern) };
  }

  /** The label of a tag as the place sees it: of the whole tenant at width `tenant`, of one user at width `user`. */
  tag(tag: string, place: Place = {}): Label {
    return this.keyFactory.tagLabel(this.scope(place), place.width ?? 'user', tag);
  }

  /** A draft that stays long enough for a case that does not look at time. */
  draft(key: Key, value: unknown, more: Partial<Draft> = {}): Draft {
    const freshForMs = more.freshForMs ?? 3_600_000;
    return { value, labels: key.labels, keptForMs: freshForMs, isolation: undefined, ...more, freshForMs };
  }

  async write(key: Key, value: unknown, more?: Partial<Draft>): Promise<void> {
    await this.a.write(key, this.draft(key, value, more));
  }

  judge(reading: Reading, key: Key, policy: Partial<Policy> = {}): Verdict {
    const { entry, required } = reading;
    if (entry === undefined) return 'gone';
    return judge(entry, required, key, this.store.clock.monotonicMs(), { ...DEFAULT_POLICY, ...policy });
  }

  async verdict(key: Key, policy: Partial<Policy> = {}, client = this.b): Promise<Verdict> {
    return this.judge(await client.read(key), key, policy);
  }

  /** The fresh entry under a key, as the other client sees it. */
  async fresh(key: Key, client = this.b): Promise<Entry | undefined> {
    const reading = await client.read(key);
    return this.judge(reading, key) === 'fresh' ? reading.entry : undefined;
  }

  async assertHolds(key: Key, value: unknown, client = this.b): Promise<void> {
    this.assertFresh(key, await client.read(key), value);
  }

  /** The reading of a key has a fresh entry with this value. */
  assertFresh(key: Key, reading: Reading | undefined, value: unknown): void {
    assert.ok(reading?.entry !== undefined && this.judge(reading, key) === 'fresh', `nothing fresh under ${key.id}`);
    assertSame(reading.entry.value, value);
  }

  async assertGone(key: Key, client = this.b): Promise<void> {
    assert.equal(await this.verdict(key, {}, client), 'gone', `${key.id} is still there`);
  }

  ask(key: Key, client = this.a, purpose: LeaseRequest['purpose'] = 'missing', leaseMs = 60_000): Promise<LeaseReply> {
    return Promise.resolve(client.lease(key, { leaseMs, purpose }));
  }

  /** A lease that has to be granted. */
  async granted(
    key: Key,
    client = this.a,
    purpose: LeaseRequest['purpose'] = 'missing',
    leaseMs = 60_000,
  ): Promise<Lease> {
    const reply = await this.ask(key, client, purpose, leaseMs);
    assert.equal(reply.kind, 'granted', `the lease on ${key.id} was not granted`);
    return (reply as Extract<LeaseReply, { kind: 'granted' }>).lease;
  }

  async assertHeld(
    key: Key,
    token: string,
    client = this.b,
    purpose: LeaseRequest['purpose'] = 'missing',
  ): Promise<void> {
    // By its parts: what else a reply leads to (a key, its space, a whole store) is no matter of a message, and comparing
    // it line by line takes Node 24 more memory than there is.
    const reply = await this.ask(key, client, purpose);
    assert.equal(reply.kind, 'held');
    assert.equal(reply.kind === 'held' ? reply.token : undefined, token);
  }

  /** Fills as the holder of a lease would; the outcome. */
  async fill(lease: Lease, value: unknown, more?: Partial<Draft>, client = this.a): Promise<string> {
    return client.fill(lease, this.draft(lease.key, value, more));
  }

  pass(ms: number): Promise<void> {
    return this.store.pass(ms);
  }

  /** Every key that a listing gives, page by page. */
  async list(selection: Selection, client = this.b): Promise<string[]> {
    const keys: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.scan(selection, cursor);
      keys.push(...page.keys);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return keys;
  }
}

/** Equal to the last bit. An invalid date is none of the values that compare equal to themselves. */
export function assertSame(actual: unknown, expected: unknown): void {
  if (expected instanceof Date && Number.isNaN(expected.getTime())) {
    assert.ok(actual instanceof Date && Number.isNaN(actual.getTime()));
  } else assert.deepStrictEqual(actual, expected);
}
