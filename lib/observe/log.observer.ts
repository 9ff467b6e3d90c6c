import { CacheError, UnansweredError } from '../core/errors.js';
import type { CacheEvent, Observer, RemovalFacts } from '../core/observer.js';
import type { LineWriter } from '../core/line-writer.js';

/** Repeated errors of one kind are told once in so many milliseconds. */
const QUIET_MS = 30_000;

/**
 * Writes warnings and errors, and, when debugging, a line for everything that happens. Lines name namespaces, widths
 * and digests of keys; values, arguments and raw keys never reach an observer.
 */
export function logObserver(
  writer: LineWriter,
  nowMs: () => number,
  isDebug: (namespace: string) => boolean,
): Observer {
  const lastToldMs = new Map<string, number>();
  return (event) => {
    if (event.type === 'warning') writer.warn(event.message);
    else if (event.type === 'error') tellError(event, writer, nowMs(), lastToldMs);
    else if (event.type === 'damaged') tellDamage(event, writer, nowMs(), lastToldMs);
    else if (event.type === 'identity-mismatch') {
      writer.warn(
        `A stored value of namespace "${event.namespace}" belongs to another key (${event.keyDigest}). It was not served.`,
      );
    }
    if ('namespace' in event && event.namespace !== undefined && isDebug(event.namespace))
      (writer.debug ?? writer.log).call(writer, describe(event));
  };
}

function tellError(
  event: Extract<CacheEvent, { type: 'error' }>,
  writer: LineWriter,
  nowMs: number,
  lastToldMs: Map<string, number>,
): void {
  // That a backend is away is one event, whose calls are many: it is told of by the backend.
  if (event.error instanceof UnansweredError) return;
  if (wasToldLately(`${event.operation}/${event.error.name}`, nowMs, lastToldMs)) return;
  // Only messages of ours are repeated: those of the application's own errors may quote the value. Observers get them.
  const problem = event.error instanceof CacheError ? event.error.message : `${event.error.name} was thrown.`;
  writer.warn(`${event.operation} failed in namespace "${event.namespace}": ${problem}`);
}

function tellDamage(
  event: Extract<CacheEvent, { type: 'damaged' }>,
  writer: LineWriter,
  nowMs: number,
  lastToldMs: Map<string, number>,
): void {
  if (wasToldLately(`damaged/${event.reason}`, nowMs, lastToldMs)) return;
  writer.warn(
    `Stored bytes of namespace "${event.namespace}" were not served: ${event.reason} (key ${event.keyDigest}).`,
  );
}

function wasToldLately(topic: string, nowMs: number, lastToldMs: Map<string, number>): boolean {
  const last = lastToldMs.get(topic);
  if (last !== undefined && nowMs - last < QUIET_MS) return true;
  if (lastToldMs.size > 1_000) lastToldMs.clear();
  lastToldMs.set(topic, nowMs);
  return false;
}

/** One line for one event: what, where, and the figures that belong to it. */
export function describe(event: CacheEvent): string {
  if (event.type === 'warning') return `warning ${event.message}`;
  // Its warning is in the log.
  if (event.type === 'outage') return `outage of ${event.backend} ${event.state}`;
  if (event.type === 'everything-cleared')
    return `${event.namespace ?? 'everything'} cleared for all tenants, ${event.removed} entries${facts(event)}`;
  const place = `${event.namespace} (${event.width}${event.keyDigest === undefined ? '' : `, key ${event.keyDigest}`})`;
  return `${event.type} ${place}${details(event)}`;
}

function details(event: Exclude<CacheEvent, { type: 'warning' | 'outage' | 'everything-cleared' }>): string {
  switch (event.type) {
    case 'hit':
      return ` ${event.verdict}, ${event.level}, ${ms(event.durationMs)}`;
    case 'miss':
    case 'coalesced':
      return ` ${ms(event.durationMs)}`;
    case 'load':
      return ` ${event.outcome}${event.isBackground ? ' in the background' : ''}, ${ms(event.durationMs)}`;
    case 'fill':
      return event.ttlMs === Infinity ? ' no expiry' : ` ttl ${Math.round(event.ttlMs)} ms`;
    case 'refused':
    case 'damaged':
    case 'bypass':
      return ` ${event.reason}`;
    case 'evict':
      return ` ${event.removed} of ${event.requested}${facts(event)}`;
    case 'invalidate':
      return ` ${event.labels} labels${facts(event)}`;
    case 'clear':
      return `${event.cause === 'pattern' ? ' by pattern,' : ''} ${event.removed} entries${facts(event)}`;
    case 'scope-leak':
      return ` read from ${event.innerNamespace}`;
    case 'error':
      return ` ${event.operation}: ${event.error.name}`;
    default:
      return '';
  }
}

function facts({ durationMs, reason }: RemovalFacts): string {
  return `, ${ms(durationMs)}${reason === undefined ? '' : `: ${reason}`}`;
}

function ms(durationMs: number): string {
  return `${durationMs.toFixed(durationMs < 10 ? 2 : 0)} ms`;
}
