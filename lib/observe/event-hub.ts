import type { CacheEvent, Emit, Observer } from '../core/observer.js';

/**
 * Hands every event to every observer, and to the log. Nothing an observer does can change the call it hears about.
 * The log alone does not make the hub attentive: unless somebody debugs, it only wants what is always told.
 */
export class EventHub implements Emit {
  /** A plain field: every hit looks at it. */
  isHeard: boolean;
  private readonly verboseNamespaces = new Set<string>();
  private readonly log: Observer | undefined;

  constructor(
    private readonly observers: readonly Observer[],
    writeLog: ((isVerbose: (namespace: string) => boolean) => Observer) | undefined,
    private readonly isDebug: boolean,
  ) {
    this.isHeard = observers.length > 0 || isDebug;
    this.log = writeLog?.((namespace) => this.isDebug || this.verboseNamespaces.has(namespace));
  }

  /** From now on the log gets a line for everything in this namespace. */
  beVerbose(namespace: string): void {
    this.verboseNamespaces.add(namespace);
    this.isHeard = true;
  }

  event(event: CacheEvent): void {
    for (const observer of this.observers) tell(observer, event);
    if (this.log !== undefined) tell(this.log, event);
  }
}

function tell(observer: Observer, event: CacheEvent): void {
  try {
    observer(event);
  } catch {
    // Documented on Observer: what it throws is swallowed, since the call it listens to is not its own.
  }
}
