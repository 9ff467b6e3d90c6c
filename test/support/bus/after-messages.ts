/** The contract requires what two levels guarantee once messages have arrived: so a client reads after it has received the changes of the others. */
import type { Backend } from '../../../lib/core/backend.js';
import type { Clock } from '../../../lib/core/clock.js';
import type { Key } from '../../../lib/core/keys/key.js';
import { Rig } from '../machine/rig.js';
import { until } from '../time.js';

const DRAFT = { value: 1, freshForMs: 600_000, keptForMs: 600_000, isolation: 'clone' } as const;
/** Verbs that change nothing, so that no message follows. */
const LOOKING: ReadonlySet<string> = new Set(['scan', 'usage', 'info', 'ping', 'open', 'close', 'onReborn']);

/** @returns a decorator for the clients of a harness: a read after another client's change waits until its message is delivered */
export function afterMessages(
  delivered: (writer: Backend, reader: Backend) => Promise<void>,
): (backend: Backend) => Backend {
  let changes = 0;
  /** Clients that made changes, the last one last. */
  const writers = new Set<Backend>();
  return (backend) => {
    let own = 0;
    let known = changes;
    const change = (): void => {
      changes++;
      own++;
      writers.delete(backend);
      writers.add(backend);
    };
    const catchUp = async (): Promise<void> => {
      const others = changes - own;
      if (others === known) return;
      // A client knows its own changes without a message.
      const writer = [...writers].findLast((one) => one !== backend);
      if (writer !== undefined) await delivered(writer, backend);
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
            await catchUp();
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

/** For messages that all arrive in one order: delivered for one tenant, they are delivered for all. */
export function inOneOrder(): (writer: Backend, reader: Backend) => Promise<void> {
  let marks: readonly [Key, Key] | undefined;
  return async (writer, reader) => {
    marks ??= marksOf(new Rig(), { tenant: 'marks' });
    await caughtUp(writer, reader, marks);
  };
}

export function marksOf(rig: Rig<Clock>, options: object): readonly [Key, Key] {
  return [rig.key('a mark', options), rig.key('and another', options)];
}

/**
 * Until a reader has received every message sent before, where messages arrive in order: one that evicts a mark, and nothing
 * but the mark, comes after them. The first message about a partition drops all copies; then there is another.
 */
export async function caughtUp(writer: Backend, reader: Backend, [mark, other]: readonly [Key, Key]): Promise<void> {
  const isNear = async (key: Key): Promise<boolean> => {
    const { entry, level } = await reader.read(key);
    return entry !== undefined && level === 'l1';
  };
  await until('all messages are delivered', async () => {
    for (const key of [mark, other]) await writer.write(key, { ...DRAFT, labels: key.labels });
    for (const key of [mark, other]) await until('there is a copy', () => isNear(key));
    await writer.evict([mark]);
    await until('the mark is gone', async () => !(await isNear(mark)));
    const hasStayed = await isNear(other);
    await writer.evict([other]);
    return hasStayed;
  });
}
