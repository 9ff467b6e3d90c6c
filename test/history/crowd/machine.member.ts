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

/** A whole machine in this process. Its calls are made once: a read makes nothing but what the library makes. */
export class MachineMember implements Member {
  readonly machine: Machine;
  private readonly calls: readonly Call[];

  constructor(backend: BackendFactory, { process, ring, random, load }: MemberParts, limits?: LimitOptions) {
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
    if (kind === 'tag') return engine.writes.invalidate(space, [keyFactory.tagLabel(scope, 'tenant', tag)]);
    if (kind === 'namespace') return engine.writes.clearEverything(space, keyFactory.everywhere(space.namespace));
    return engine.writes.clear(space, keyFactory.view(scope, 'tenant', undefined));
  }

  close(): Promise<void> {
    return this.machine.close();
  }

  private spaceOf(tenant: string): Call['key']['space'] {
    const { keyFactory, scopes } = this.machine;
    return keyFactory.space(scopes.of({ tenant }), 'tenant', 'pets');
  }
}
