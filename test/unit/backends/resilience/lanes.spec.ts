/** Several servers that keep one cache together, and what passes between them. */
import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../../lib/backends/memory/memory.backend.js';
import { EVERY_KEY } from '../../../../lib/backends/remote/index-scan.js';
import { GuardedBackend } from '../../../../lib/backends/resilience/guarded.backend.js';
import { resolveGuardOptions } from '../../../../lib/backends/resilience/options.js';
import { apply } from '../../../../lib/backends/resilience/retry-queue.js';
import type { Invalidation } from '../../../../lib/backends/shared/invalidation.js';
import type { Owners } from '../../../../lib/backends/shared/owners.js';
import type { Backend, Reading } from '../../../../lib/core/backend.js';
import { BackendError } from '../../../../lib/core/errors.js';
import type { Draft } from '../../../../lib/core/entry.js';
import type { Key } from '../../../../lib/core/keys/key.js';
import type { Partition } from '../../../../lib/core/keys/partition.js';
import { FakeClock } from '../../../../lib/testing/fake.clock.js';
import { recordEvents } from '../../../../lib/testing/record-events.js';
import { backendParts } from '../../../support/machine/backends.js';
import { errorOf, Rig } from '../../../support/machine/rig.js';

const NAMES = ['a', 'b'] as const;
type Name = (typeof NAMES)[number];

function draft(value: unknown): Draft {
  return { value, labels: [], freshForMs: 60_000, keptForMs: 60_000, isolation: undefined };
}

/** Two servers, each with a memory of its own; the tenant Acme lies with the first, Beta with the second. */
class Several {
  readonly clock = new FakeClock();
  readonly recorded = recordEvents();
  readonly parts = { ...backendParts({ clock: this.clock }), emit: { isHeard: true, event: this.recorded.observer } };
  readonly rig = new Rig({ clock: this.clock });
  readonly acme = this.rig.key('tom', { tenant: 'acme' });
  readonly beta = this.rig.key('tom', { tenant: 'beta' });
  /** What was asked of whom. */
  readonly said: string[] = [];
  readonly dead = new Set<Name>();
  /** What happens while a server is asked something. */
  meanwhile: ((asked: string) => Promise<void> | void) | undefined;
  private readonly servers = new Map<Name, Backend>(
    NAMES.map((name) => [name, memory().create(this.parts) as Backend]),
  );
  private readonly keepers = new Map<Partition, Name>([
    [this.acme.space.partition, 'a'],
    [this.beta.space.partition, 'b'],
  ]);
  private readonly owners = this.ownersOf();
  readonly guarded = new GuardedBackend(
    this.inner(),
    resolveGuardOptions({ failures: 2, invalidationTimeout: 1, pause: '1s' }, 'x'),
    this.parts,
  );

  server(name: Name): Backend {
    return this.servers.get(name) as Backend;
  }

  move(key: Key, to: Name): void {
    this.keepers.set(key.space.partition, to);
    (this.owners as { version: number }).version++;
    this.owners.onMoved?.();
  }

  gone(name: Name): void {
    this.owners.onGone?.(name);
  }

  returned(name: Name): void {
    this.owners.onReturned?.(name);
  }

  warnings(): string[] {
    return this.recorded.of('warning').map(({ message }) => message);
  }

  private of(key: Key): Name {
    return this.keepers.get(key.space.partition) as Name;
  }

  private async ask<T>(name: Name, what: string, work: (server: Backend) => T | Promise<T>): Promise<T> {
    this.said.push(`${what} ${name}`);
    if (this.dead.has(name)) throw new BackendError(what, 'several', { why: 'dead' });
    await this.meanwhile?.(`${what} ${name}`);
    return work(this.server(name));
  }

  private inner(): Backend & { readonly owners: Owners } {
    const stand: Partial<Backend> & { readonly owners: Owners } = {
      kind: 'several',
      owners: this.owners,
      // As a driver does that is sent on: whoever keeps it when it is answered.
      read: (key) => this.ask(this.of(key), 'read', () => this.server(this.of(key)).read(key)),
      readMany: (keys) => Promise.all(keys.map((key) => this.ask(this.of(key), 'read', (server) => server.read(key)))),
      evict: (keys) => this.ask(this.of(keys[0] as Key), 'evict', (server) => server.evict(keys)),
      scan: () => new Promise(() => undefined),
      ping: () => undefined,
      close: () => undefined,
    };
    return stand as Backend & { readonly owners: Owners };
  }

  private ownersOf(): Owners {
    const all = (): Set<Name> => new Set(this.keepers.values());
    const concernedBy = (invalidation: Invalidation): Set<string> =>
      invalidation.kind === 'evict' ? new Set(invalidation.keys.map((key) => this.of(key))) : all();
    return {
      version: 0,
      of: (key) => this.of(key),
      all,
      concernedBy,
      keeps: (owner, partition) => this.keepers.get(partition) === owner,
      apply: async (owner, invalidation) => {
        const its =
          invalidation.kind === 'evict'
            ? { ...invalidation, keys: invalidation.keys.filter((key) => this.of(key) === owner) }
            : invalidation;
        const work = (server: Backend) => apply(server, its);
        return Number((await this.ask(owner as Name, invalidation.kind, work)) ?? 0);
      },
      seal: async () => new Map(),
      ping: (owner) => this.ask(owner as Name, 'ping', () => undefined),
      info: (owner) => this.ask(owner as Name, 'info', (server) => server.info()),
      onMoved: undefined,
      onReturned: undefined,
      onGone: undefined,
    };
  }
}

const valueOf = async (reading: Promise<Reading>): Promise<unknown> => (await reading).entry?.value;

describe('calls to several servers', () => {
  it('A79: a walk through several ends with the connection to one that it concerns, and with no other', async () => {
    const several = new Several();
    const { guarded, acme } = several;
    const view = { partition: acme.space.partition, path: undefined, namespace: undefined, label: undefined };
    const ends: string[] = [];
    const listing = errorOf(Promise.resolve(guarded.scan({ view, match: EVERY_KEY }, undefined))).then((error) => {
      ends.push(String(error));
    });
    several.gone('b');
    await new Promise(setImmediate);
    expect(ends).toEqual([]);
    several.gone('a');
    await listing;
    expect(ends).toEqual([expect.stringContaining('connection lost')]);
  });

  it('A102: each of them says afterwards that the cache is closed, also one that was never asked', async () => {
    const { acme, beta, guarded, said } = new Several();
    await guarded.read(acme);
    await guarded.close();
    said.length = 0;
    for (const key of [acme, beta]) await expect(guarded.read(key)).rejects.toThrow('the cache is closed');
    await expect(guarded.evict([acme, beta])).rejects.toThrow('the cache is closed');
    expect(said).toEqual([]);
  });

  it('A79: one that is dead takes its own tenants with it and no others', async () => {
    const several = new Several();
    const { acme, beta, guarded, dead } = several;
    await several.server('b').write(beta, draft('Tom'));
    dead.add('a');
    for (let call = 0; call < 5; call++) await errorOf(guarded.read(acme));
    await errorOf(guarded.evict([acme]));
    await expect(guarded.read(acme)).rejects.toThrow('circuit open');
    expect(await valueOf(guarded.read(beta))).toBe('Tom');
    expect(await guarded.evict([beta])).toBe(1);
    await several.clock.advance(600);
    expect(several.warnings()).toEqual([
      'The several backend at a does not answer (dead): calls for what it keeps go on without the cache until it does.',
    ]);
    dead.delete('a');
    several.said.length = 0;
    await several.clock.advance(20_000);
    expect(several.warnings()[1]).toBe('The several backend at a answers again.');
    expect(several.said).toContain('evict a');
  });

  it('A79: keys of several are read from those that answer, and the others say why not', async () => {
    const { acme, beta, guarded, dead } = new Several();
    dead.add('a');
    const [first, second] = (await guarded.readMany([acme, beta])) as [Reading, Reading];
    expect(first.unanswered?.message).toContain('dead');
    expect(second.unanswered).toBeUndefined();
    dead.add('b');
    await expect(guarded.readMany([acme, beta])).rejects.toThrow('dead');
  });

  it('A79: what was not confirmed goes with what has passed to another server, before anything is read there', async () => {
    const several = new Several();
    const { acme, guarded, dead, said } = several;
    await several.server('b').write(acme, draft('old'));
    dead.add('a');
    await errorOf(guarded.evict([acme]));
    said.length = 0;
    several.move(acme, 'b');
    expect(await valueOf(guarded.read(acme))).toBeUndefined();
    expect(said).toEqual(['evict b', 'read b']);
  });

  it('A79: an answer of the server that has taken over is not believed by a call that asked the one before', async () => {
    const several = new Several();
    const { acme, guarded } = several;
    await several.server('b').write(acme, draft('old'));
    several.meanwhile = (asked) => {
      if (asked === 'read a') several.move(acme, 'b');
    };
    await expect(guarded.read(acme)).rejects.toThrow('another server answers');
  });

  it('A79: a call that waits for what is not confirmed is not answered when that goes to another server', async () => {
    const several = new Several();
    const { acme, beta, guarded, dead } = several;
    dead.add('a');
    await errorOf(guarded.evict([acme]));
    dead.delete('a');
    await several.server('b').write(acme, draft('old'));
    // The first server keeps something all the same.
    several.meanwhile = (asked) => {
      if (asked !== 'evict a') return;
      several.meanwhile = undefined;
      several.move(beta, 'a');
      several.move(acme, 'b');
    };
    const error = await errorOf(guarded.read(acme).then((reading) => Promise.reject(reading as never)));
    expect(error).toBeInstanceOf(BackendError);
    expect(await valueOf(guarded.read(acme))).toBeUndefined();
  });

  it('A79: what changes hands while all are told something is told again', async () => {
    const several = new Several();
    const { acme, beta, guarded, said } = several;
    await several.server('b').write(acme, draft('old'));
    several.meanwhile = (asked) => {
      if (asked !== 'everything a') return;
      several.meanwhile = undefined;
      several.move(beta, 'a');
      several.move(acme, 'b');
    };
    await guarded.clearEverything();
    expect(said.filter((what) => what.startsWith('everything'))).toHaveLength(4);
  });

  it('A108: a namespace of all tenants is cleared at every server, and again at one that did not answer', async () => {
    const several = new Several();
    const { acme, beta, guarded, said, dead, rig } = several;
    await several.server('a').write(acme, { ...draft('old'), labels: acme.labels });
    await several.server('b').write(beta, { ...draft('old'), labels: beta.labels });
    const other = rig.key('rex', { tenant: 'beta', namespace: 'dogs' });
    await several.server('b').write(other, { ...draft('Rex'), labels: other.labels });
    dead.add('b');
    const view = rig.machine.keyFactory.everywhere(acme.space.namespace);
    expect(await errorOf(guarded.clearEverything(view))).toBeInstanceOf(BackendError);
    expect(await valueOf(guarded.read(acme))).toBeUndefined();
    dead.delete('b');
    said.length = 0;
    expect(await valueOf(guarded.read(beta))).toBeUndefined();
    expect(said).toEqual(['namespace b', 'read b']);
    expect(await valueOf(guarded.read(other))).toBe('Rex');
  });

  it('A79: an eviction that fails after its keys have passed to another server is queued there', async () => {
    const several = new Several();
    const { acme, guarded, said } = several;
    await several.server('b').write(acme, draft('old'));
    several.meanwhile = (asked) => {
      if (asked !== 'evict a') return;
      several.meanwhile = undefined;
      several.move(acme, 'b');
      throw new BackendError('evict', 'several', { why: 'cut' });
    };
    await errorOf(guarded.evict([acme]));
    said.length = 0;
    expect(await valueOf(guarded.read(acme))).toBeUndefined();
    expect(said).toEqual(['evict b', 'read b']);
  });

  it('A79: of a call to several the healthy part is confirmed, and it is said how many have done theirs', async () => {
    const several = new Several();
    const { acme, beta, guarded, dead, said } = several;
    for (const key of [acme, beta]) await several.server(key === acme ? 'a' : 'b').write(key, draft('old'));
    dead.add('a');
    await expect(guarded.evict([acme, beta])).rejects.toThrow('dead; 1 of 2 servers have done their part');
    expect(await valueOf(guarded.read(beta))).toBeUndefined();
    dead.delete('a');
    said.length = 0;
    expect(await valueOf(guarded.read(acme))).toBeUndefined();
    expect(said).toEqual(['evict a', 'read a']);
  });

  it('A79: a server that is back is told the last minute, and copies of what the others keep stay', async () => {
    const several = new Several();
    const { acme, beta, guarded, said } = several;
    const forgotten: boolean[][] = [];
    guarded.onReborn((concerns) => {
      forgotten.push([acme, beta].map(({ space }) => concerns?.(space.partition) ?? true));
    });
    await guarded.evict([acme]);
    await guarded.evict([beta]);
    await several.server('a').write(acme, draft('yesterday'));
    said.length = 0;
    several.returned('a');
    expect(await valueOf(guarded.read(acme))).toBeUndefined();
    await guarded.read(beta);
    expect(said.filter((what) => what.startsWith('evict'))).toEqual(['evict a']);
    expect(forgotten).toEqual([[true, false]]);
  });

  it('A79: none is asked any more once the cache is closed, also one that was never asked before', async () => {
    const { clock, beta, guarded, dead, said } = new Several();
    await guarded.close();
    dead.add('b');
    await errorOf(guarded.evict([beta]));
    said.length = 0;
    await clock.advance(20_000);
    expect(said).toEqual([]);
  });

  it('A105: ping and info are answered for the servers that are there, and info says which is not', async () => {
    const several = new Several();
    const { acme, beta, guarded, dead } = several;
    await several.server('a').write(acme, draft('tom'));
    await several.server('b').write(beta, draft('tom'));
    const whole = await guarded.info();
    expect(whole).toMatchObject({ entries: 2, details: { masters: 2 } });
    expect(whole.details).not.toHaveProperty('missing');
    dead.add('a');
    await guarded.ping();
    expect(await guarded.info()).toMatchObject({ entries: 1, details: { masters: 2, missing: 'a' } });
    dead.add('b');
    await expect(guarded.info()).rejects.toThrow('dead');
    await expect(guarded.ping()).rejects.toThrow('dead');
  });

  it('A105: of one that was said not to answer, and has passed on all that it kept, that is said too', async () => {
    const several = new Several();
    const { clock, acme, guarded, dead } = several;
    dead.add('a');
    for (let call = 0; call < 3; call++) await errorOf(guarded.read(acme));
    await clock.advance(1_000);
    expect(several.warnings()).toEqual([expect.stringContaining('at a does not answer')]);
    several.move(acme, 'b');
    expect(several.warnings().slice(1)).toEqual([
      'The several backend at a keeps nothing any more: others answer for what it kept.',
    ]);
    await guarded.read(acme);
    await clock.advance(60_000);
    expect(several.warnings()).toHaveLength(2);
  });
});
