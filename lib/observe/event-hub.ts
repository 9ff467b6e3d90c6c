import type { CacheEvent, EmitHits, Observer } from '../core/observer.js';
import { disown } from '../core/async/thenable.js';

/** Makes the observer that writes the log, for the namespaces that are to have a line for everything. */
export type WriteLog = (isVerbose: (namespace: string) => boolean, onFailure: () => void) => Observer;

/**
 * Hands every event to every observer, and to the log. Nothing an observer does can change the call it hears about: what
 * it throws, and what becomes of a promise that it returns, is told once for each observer, as a warning.
 * The log alone does not make the hub attentive: unless debugging is on, it only wants what is always told.
 */
export class EventHub implements EmitHits {
  /** A plain field: every hit looks at it. */
  isHeard: boolean;
  private readonly verboseNamespaces = new Set<string>();
  private isVerbose: boolean;
  private readonly log: Observer | undefined;
  /** By their place among the observers; -1 is the log. */
  private readonly failed = new Set<number>();

  constructor(
    private readonly observers: readonly Observer[],
    writeLog: WriteLog | undefined,
    private readonly isDebug: boolean,
  ) {
    this.isHeard = observers.length > 0 || isDebug;
    this.isVerbose = isDebug;
    this.log = writeLog?.(
      (namespace) => this.isDebug || this.verboseNamespaces.has(namespace),
      () => this.fail(-1),
    );
  }

  /** From now on the log gets a line for everything in this namespace. */
  beVerbose(namespace: string): void {
    this.verboseNamespaces.add(namespace);
    this.isHeard = true;
    this.isVerbose = true;
  }

  event(event: CacheEvent): void {
    for (let at = 0; at < this.observers.length; at++) this.tell(this.observers[at] as Observer, event, at);
    if (this.log !== undefined) this.tell(this.log, event, -1);
  }

  /**
   * By far the most of what is told: without a call of {@link tell} for each observer, of an event that always looks the same.
   * Of hits the log has nothing to say unless it is verbose.
   */
  hit(event: Extract<CacheEvent, { type: 'hit' }>): void {
    const { observers } = this;
    for (let at = 0; at < observers.length; at++) {
      try {
        const answer: unknown = (observers[at] as Observer)(event);
        if (answer !== undefined) this.heed(answer, at);
      } catch {
        this.fail(at);
      }
    }
    if (this.isVerbose && this.log !== undefined) this.tell(this.log, event, -1);
  }

  /** The call that is listened to is not the observer's own, so it goes on, whatever comes of this. */
  private tell(observer: Observer, event: CacheEvent, at: number): void {
    try {
      const answer: unknown = observer(event);
      if (answer !== undefined) this.heed(answer, at);
    } catch {
      this.fail(at);
    }
  }

  /** TypeScript takes an async function for an observer as well. It is not waited for, but it is listened to. */
  private heed(answer: unknown, at: number): void {
    disown(answer, () => this.fail(at));
  }

  private fail(at: number): void {
    if (this.failed.has(at)) return;
    this.failed.add(at);
    const name = this.observers[at]?.name ?? '';
    const who = at < 0 ? 'The log' : `observers[${at}]${name === '' ? '' : ` (${name})`}`;
    // Without what was thrown: it is the application's own, and may quote anything.
    this.event({
      type: 'warning',
      message: `${who} failed at an event. Calls go on as if it had not, and it is told further events; this is said once.`,
    });
  }
}
