import { type Machine } from '../../../lib/assemble.js';
import { assemble } from '../../support/machine/assemble.js';
import type { Awaitable } from '../../../lib/core/async/awaitable.js';
import type { BackendFactory } from '../../../lib/core/backend.js';
import { systemClock } from '../../../lib/core/clock.js';
import type { KeyId } from '../../../lib/core/keys/key.js';
import { resolveLimits, type LimitOptions } from '../../../lib/core/limits.js';
import { DEFAULT_POLICY } from '../../../lib/core/policy.js';
import type { Call } from '../../../lib/engine/call.js';
import type { MakeMember, Member, MemberParts } from './member.js';
import { watched } from './watched.js';
import { SPOTS, type Kind } from './world.js';

/** Half of the times none. */
const MAX_OTHERS = 20;

/** A whole machine in this process. Its calls are made once: a read makes nothing but what the library makes. */
export class MachineMember implements Member {
  readonly machine: Machine;
  private readonly calls: readonly Call[];
  private readonly random: () => number;

  constructor(backend: BackendFactory, { process, ring, random, load }: MemberParts, limits?: LimitOptions) {
    this.random = random;
    const numbers = new Map<KeyId, number>();
    const told = (line: string): void => ring.noteAll('told', process, line);
    this.machine = assemble(
      {
        backend: watched(backend, { ring, process, numbers }),
        limits: resolveLimits(limits),
        log: { log: told, warn: told },
      },
      systemClock,
      random,
    );
    this.calls = SPOTS.map(({ tenant, name, tag }, number) => {
      const key = this.machine.keyFactory.key(this.spaceOf(tenant), [name], [tag]);
      numbers.set(key.id, number);
      // Of each key some processes answer before it is stored, and others do not.
      const policy = { ...DEFAULT_POLICY, answersEarly: (number + process) % 2 === 0 };
      return { key, policy, loader: () => load(number), frame: undefined };
    });
  }

  /** Ready for a crowd. */
  static on(backend: BackendFactory, limits?: LimitOptions): MakeMember {
    return (parts) => new MachineMember(backend, parts, limits);
  }

  open(): Promise<void> {
    return this.machine.engine.open();
  }

  read(key: number): Awaitable<unknown> {
    return this.machine.engine.getOrSet(this.calls[key] as Call);
  }

  async invalidate(kind: Kind, key: number): Promise<unknown> {
    const { engine, keyFactory, scopes } = this.machine;
    const { tenant, tag } = SPOTS[key] as (typeof SPOTS)[number];
    const space = this.spaceOf(tenant);
    const scope = scopes.of({ tenant });
    if (kind === 'delete') return engine.writes.evict([(this.calls[key] as Call).key]);
    if (kind === 'tag') {
      this.invalidateOthers(key);
      const invalidating = engine.writes.invalidate(space, [keyFactory.tagLabel(scope, 'tenant', tag)]);
      this.invalidateOthers(key);
      return invalidating;
    }
    if (kind === 'namespace') return engine.writes.clearEverything(space, keyFactory.everywhere(space.namespace));
    return engine.writes.clear(space, keyFactory.view(scope, 'tenant', undefined));
  }

  /** Tags that no entry has, now none and now more than a state string names: by it readers go on, or have to ask. */
  private invalidateOthers(key: number): void {
    const { engine, keyFactory, scopes } = this.machine;
    const { tenant } = SPOTS[key] as (typeof SPOTS)[number];
    for (let left = Math.floor(this.random() * MAX_OTHERS) - MAX_OTHERS / 2; left > 0; left--) {
      const label = keyFactory.tagLabel(scopes.of({ tenant }), 'tenant', `other ${Math.floor(this.random() * 20)}`);
      // Whether it is confirmed is of no matter to any key.
      Promise.resolve(engine.writes.invalidate(this.spaceOf(tenant), [label])).catch(() => undefined);
    }
  }

  close(): Promise<void> {
    return this.machine.close();
  }

  private spaceOf(tenant: string): Call['key']['space'] {
    const { keyFactory, scopes } = this.machine;
    return keyFactory.space(scopes.of({ tenant }), 'tenant', 'pets');
  }
}
