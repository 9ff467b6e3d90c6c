/** The contract asks for what is true of two levels after messages came: so who reads has heard what the others did. */
import type { Backend } from '../../../lib/core/backend.js';
import type { Clock } from '../../../lib/core/clock.js';
import type { Key } from '../../../lib/core/keys/key.js';
import { Rig } from '../machine/rig.js';
import { until } from '../time.js';

const DRAFT = { value: 1, freshForMs: 600_000, keptForMs: 600_000, isolation: 'clone' } as const;
/** Nothing that others would have to hear of. */
const LOOKING: ReadonlySet<string> = new Set(['scan', 'usage', 'info', 'ping', 'open', 'close', 'onReborn']);

/** @returns how a harness shows its clients to the contract: who reads after another's change waits until it has heard */
export function afterTheNews(
  heard: (speaker: Backend, listener: Backend) => Promise<void>,
): (backend: Backend) => Backend {
  let changes = 0;
  /** Whoever made changes, the last one last. */
  const speakers = new Set<Backend>();
  return (backend) => {
    let own = 0;
    let known = changes;
    const change = (): void => {
      changes++;
      own++;
      speakers.delete(backend);
      speakers.add(backend);
    };
    const hear = async (): Promise<void> => {
      const others = changes - own;
      if (others === known) return;
      // What it says itself it knows without hearing it.
      const speaker = [...speakers].findLast((one) => one !== backend);
      if (speaker !== undefined) await heard(speaker, backend);
      known = others;
    };
    return new Proxy(backend, {
      get(target, name) {
        const found: unknown = Reflect.get(target, name, target);
        if (typeof found !== 'function') return found;
        const act = found.bind(target) as (...args: unknown[]) => unknown;
        if (LOOKING.has(String(name))) return act;
        return async (...args: unknown[]) => {
          if (name === 'read' || name === 'readMany') {
            await hear();
            return act(...args);
          }
          change();
          try {
            return await act(...args);
          } finally {
            change();
          }
        };
      },
    });
  };
}

/** For messages that all come in one order: asked of any tenant, it is known of all. */
export function inOneOrder(): (speaker: Backend, listener: Backend) => Promise<void> {
  let marks: readonly [Key, Key] | undefined;
  return async (speaker, listener) => {
    marks ??= marksOf(new Rig(), { tenant: 'marks' });
    await caughtUp(speaker, listener, marks);
  };
}

export function marksOf(rig: Rig<Clock>, options: object): readonly [Key, Key] {
  return [rig.key('a mark', options), rig.key('and another', options)];
}

/**
 * Until a listener has heard everything that was said before, where messages come in their order: one that takes a mark
 * away, and nothing but the mark, comes after them. The first about a partition takes all; then there is another.
 */
export async function caughtUp(speaker: Backend, listener: Backend, [mark, other]: readonly [Key, Key]): Promise<void> {
  const isNear = async (key: Key): Promise<boolean> => {
    const { entry, level } = await listener.read(key);
    return entry !== undefined && level === 'l1';
  };
  await until('what was said has been heard', async () => {
    for (const key of [mark, other]) await speaker.write(key, { ...DRAFT, labels: key.labels });
    for (const key of [mark, other]) await until('there is a copy', () => isNear(key));
    await speaker.evict([mark]);
    await until('the mark is gone', async () => !(await isNear(mark)));
    const hasStayed = await isNear(other);
    await speaker.evict([other]);
    return hasStayed;
  });
}
