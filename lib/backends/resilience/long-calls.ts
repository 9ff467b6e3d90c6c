import { BackendError } from '../../core/errors.js';
import type { Concern } from './retry-queue.js';

interface LongCall {
  readonly about: Concern;
  readonly reject: (error: Error) => void;
}

/** Calls that may take as long as many, which no deadline of theirs would end soon: they end with their connection. */
export class LongCalls {
  private readonly underWay = new Set<LongCall>();

  constructor(private readonly kind: string) {}

  untilLost<T>(about: Concern, work: PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const call = { about, reject };
      this.underWay.add(call);
      const over = (): void => void this.underWay.delete(call);
      work.then(over, over);
      work.then(resolve, reject);
    });
  }

  /** The connection has ended that they were sent on. */
  lose(concerns?: (about: Concern) => boolean): void {
    for (const call of this.underWay) {
      if (concerns?.(call.about) === false) continue;
      this.underWay.delete(call);
      call.reject(new BackendError('a call', this.kind, { why: 'connection lost' }));
    }
  }
}
