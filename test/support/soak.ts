/** How much of what is random is tried: a tenth by default, all of it with `SOAK=1`. */

/** Whether suites run as long as they can be of use: with `SOAK=1`, and in test/soak. */
export const IS_SOAK = process.env['SOAK'] !== undefined;

/**
 * For `fc.assert`: how many inputs are tried. Properties of keys and codecs are tried on tens of thousands under `SOAK=1`;
 * what a change breaks shows within the first hundreds, since counterexamples are dense where a guard is gone.
 */
export function runs(whole: number): { readonly numRuns: number } {
  return { numRuns: IS_SOAK ? whole : Math.max(Math.min(whole, LEAST), Math.ceil(whole / 10)) };
}

/** Below this a tenth would be too few. */
const LEAST = 300;
