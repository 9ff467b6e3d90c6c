import { CacheConfigError } from './errors.js';

/**
 * A span of time: a number of milliseconds, or a number with a unit: `'250ms'`, `'30s'`, `'5m'`, `'2h'`, `'7d'`.
 *
 * Zero, negative numbers, NaN, Infinity, unknown units and anything above ten years are refused with a
 * {@link CacheConfigError} that names the option. Fractions of a millisecond are cut off.
 */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** Ten years. Longer is a mistake in the unit; say `null` where "no expiry" is meant. */
export const MAX_DURATION_MS = 10 * 365 * 86_400_000;

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);
const FORM = /^(\d{1,16}(?:\.\d{1,16})?)(ms|s|m|h|d)$/;

/** Turns a duration into milliseconds, or throws a {@link CacheConfigError} that names `option`. */
export function parseDuration(duration: unknown, option: string): number {
  const ms = millisecondsOf(duration, option);
  if (!(ms >= 1) || ms > MAX_DURATION_MS) {
    // Other caches mean "for ever" by 0, -1 or Infinity.
    const forEver = option.endsWith('ttl') ? '; for no expiry write null' : '';
    throw new CacheConfigError(option, `must be between 1 ms and ten years ('3650d'), not ${outOfRange(ms)}${forEver}`);
  }
  return Math.floor(ms);
}

/**
 * The same for durations that arrive during a call (a ttl computed from the result): what is too long is shortened
 * to the limit, since the call is already answered and only its storing is at stake. Nonsense still throws.
 */
export function clampDuration(duration: unknown, option: string, maxMs = MAX_DURATION_MS): number {
  const ms = millisecondsOf(duration, option);
  return ms > maxMs && ms !== Infinity ? maxMs : parseDuration(ms, option);
}

/** True for a bare number that was probably meant as seconds: a small one, and one that is no whole number of seconds (3600). */
export function looksLikeSeconds(duration: unknown): duration is number {
  return typeof duration === 'number' && (duration < 1_000 || duration % 1_000 !== 0);
}

/** What to say of it. The number stands in the source, so it may be told; one that was computed may not. */
export function secondsWarning(ms: number | undefined): string {
  return ms === undefined
    ? "is given a number of milliseconds that looks like seconds; if seconds were meant, give a text: '60s' (or '60ms' to keep it)"
    : `is ${ms} milliseconds; if seconds were meant, write '${ms}s' (or '${ms}ms' to keep it)`;
}

function millisecondsOf(duration: unknown, option: string): number {
  if (typeof duration === 'number') return duration;
  if (typeof duration === 'string') return fromText(duration, option);
  throw new CacheConfigError(option, `must be a number of milliseconds or a text like '30s', not ${kindOf(duration)}`);
}

function fromText(text: string, option: string): number {
  const match = FORM.exec(text);
  const unit = UNIT_MS.get(match?.[2] ?? '');
  if (unit === undefined) {
    throw new CacheConfigError(
      option,
      `is not a duration: use a number of milliseconds or one number with a unit ('250ms', '30s', '5m', '2h', '7d')`,
    );
  }
  // Rounded to the microsecond: 1.005 × 1000 is a hair below 1005, and the fraction is cut off later.
  return Math.round(Number(match?.[1]) * unit * 1_000) / 1_000;
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
}

/** In words: the number may come from a result, and messages repeat no values. */
function outOfRange(ms: number): string {
  if (Number.isNaN(ms)) return 'NaN';
  if (ms === Infinity) return 'Infinity';
  if (ms < 0) return 'a negative number';
  return ms < 1 ? 'zero or a fraction of a millisecond' : 'more than that';
}
