import { BACKEND_METHODS } from '../core/backend-factory.js';
import type { Backend } from '../core/backend.js';
import { CacheConfigError } from '../core/errors.js';
import { wholeNumber } from '../core/limits.js';
import { knownOptions } from '../core/own-options.js';

/** What a backend can be asked. `close` is never disturbed. */
export type Operation = Exclude<keyof Backend, 'kind' | 'leasesInOneTrip' | 'close' | 'atHand'>;

/** How often what goes wrong. Everything is off by default. */
export interface Disturbance {
  /** Share of calls that fail before anything was done. 0 to 1. @default 0 */
  readonly throwRate?: number | undefined;
  /** Share of calls whose reply is lost: the work was done, and the caller gets an error. 0 to 1. @default 0 */
  readonly dropRate?: number | undefined;
  /** How long a call takes before it is sent: drawn from this range, on the clock of the cache. @default no time */
  readonly delayMs?: readonly [min: number, max: number] | undefined;
  /** Turns of the event loop before a call is sent and again before its reply arrives: drawn from 0 to this. @default 0 */
  readonly turns?: number | undefined;
}

export interface ChaosOptions extends Disturbance {
  /** The same seed, the same misfortunes. @default 1 */
  readonly seed?: number | undefined;
  /** Other rates for single operations. @default {} */
  readonly operations?: Readonly<Partial<Record<Operation, Disturbance>>> | undefined;
}

const DISTURBANCES = Object.freeze(['throwRate', 'dropRate', 'delayMs', 'turns'] as const);
/** All of them, or this does not compile. */
const { close: _close, ...DISTURBED } = BACKEND_METHODS;
const OPERATIONS: Readonly<Record<Operation, true>> = Object.freeze({ ...DISTURBED, open: true, onReborn: true });
const MAX_TURNS = 1_000_000;

export interface ResolvedChaosOptions {
  readonly seed: number;
  readonly common: Disturbance;
  readonly operations: Readonly<Partial<Record<Operation, Disturbance>>>;
}

/** Validates. @throws CacheConfigError naming the option */
export function resolveChaosOptions(options: ChaosOptions | undefined): ResolvedChaosOptions {
  const { seed, operations, ...common } = knownOptions(options, 'chaos', ['seed', 'operations', ...DISTURBANCES]);
  const where = 'chaos.operations';
  const named = Object.entries(knownOptions(operations, where, Object.keys(OPERATIONS) as Operation[]));
  return Object.freeze({
    seed: wholeNumber(seed, 'chaos.seed', 1, 0, Number.MAX_SAFE_INTEGER),
    common: disturbance(common, 'chaos'),
    operations: Object.freeze(
      Object.fromEntries(named.map(([name, its]) => [name, disturbance(its, `${where}.${name}`)])),
    ),
  });
}

/** Only what was said: what one operation leaves open is that of all. */
function disturbance(options: Disturbance | undefined, where: string): Disturbance {
  const own = knownOptions(options, where, DISTURBANCES);
  for (const name of ['throwRate', 'dropRate'] as const) {
    const rate: unknown = own[name] ?? 0;
    if (typeof rate !== 'number' || !(rate >= 0 && rate <= 1))
      throw new CacheConfigError(`${where}.${name}`, 'must be a share from 0 to 1');
  }
  wholeNumber(own.turns, `${where}.turns`, 0, 0, MAX_TURNS);
  checkRange(own.delayMs, `${where}.delayMs`);
  return Object.freeze(Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)));
}

function checkRange(range: unknown, option: string): void {
  if (range === undefined) return;
  const [min, max, ...more] = Array.isArray(range) ? (range as unknown[]) : [];
  if (typeof min === 'number' && typeof max === 'number' && more.length === 0 && min >= 0 && min <= max) return;
  throw new CacheConfigError(option, 'must be [min, max], in milliseconds');
}
