import { memory } from '../../../lib/backends/memory/memory.backend.js';
import type { Backend, BackendFactory, FillOutcome, Lease } from '../../../lib/core/backend.js';
import type { Draft } from '../../../lib/core/entry.js';
import { Deferred } from './rig.js';

/** Memory that takes a value in at once, as a server's backend does, and has stored it when the test says so. */
export class SlowFills {
  /** Fills that have not landed, in the order they came. */
  readonly waiting: Deferred<void>[] = [];
  /** How large the values say they are. */
  sizeBytes = 100;

  readonly factory: BackendFactory = {
    kind: 'slow',
    create: (parts) => {
      const inner = memory().create(parts);
      const fill = async (lease: Lease, draft: Draft): Promise<FillOutcome> => {
        const value = parts.copier.copy(draft.value);
        draft.onAdmitted?.(this.sizeBytes);
        const landing = new Deferred<void>();
        this.waiting.push(landing);
        await landing.promise;
        return inner.fill(lease, { ...draft, value });
      };
      return new Proxy(inner, {
        get(target, name): unknown {
          if (name === 'fill') return fill;
          const found = Reflect.get(target, name) as unknown;
          return typeof found === 'function' ? (found.bind(target) as unknown) : found;
        },
      }) satisfies Backend;
    },
  };

  /** Lets the first that waits land, or fail. */
  land(error?: Error): void {
    const first = this.waiting.shift() as Deferred<void>;
    if (error === undefined) first.resolve();
    else first.reject(error);
  }
}
