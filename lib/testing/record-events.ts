import type { CacheEvent, Observer } from '../core/observer.js';

/** Events kept. Beyond it the oldest are forgotten. */
const MAX_EVENTS = 100_000;

/** The events of one type. */
export type EventOf<Type extends CacheEvent['type']> = Extract<CacheEvent, { readonly type: Type }>;

/** Everything an observer heard, in order. */
export interface RecordedEvents {
  /** Give this to the cache: `observers: [recorded.observer]`. */
  readonly observer: Observer;
  readonly events: readonly CacheEvent[];
  /** The events of one type. */
  of<Type extends CacheEvent['type']>(type: Type): EventOf<Type>[];
  /** The types of all events, in order. */
  types(): CacheEvent['type'][];
  /** Forgets what was heard so far. */
  clear(): void;
}

/**
 * An observer that remembers.
 *
 * @example
 * const recorded = recordEvents();
 * const app = CacheModule.forRoot({ observers: [recorded.observer] });
 * expect(recorded.of('refused')).toEqual([]);
 */
export function recordEvents(): RecordedEvents {
  const events: CacheEvent[] = [];
  return {
    observer: (event) => {
      if (events.length >= MAX_EVENTS) events.shift();
      events.push(event);
    },
    events,
    of: <Type extends CacheEvent['type']>(type: Type) =>
      events.filter((event): event is EventOf<Type> => event.type === type),
    types: () => events.map(({ type }) => type),
    clear: () => {
      events.length = 0;
    },
  };
}
