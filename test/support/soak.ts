/** How much of what is random or takes long is tried: a part by default, all of it with `SOAK=1`. */

/** Whether suites run as long as they can be of use: with `SOAK=1`, and in test/soak. */
const IS_SOAK = process.env['SOAK'] !== undefined;
/** Below this a tenth would be too few. */
const LEAST_RUNS = 300;

/** @param whole with `SOAK=1` */
export function soaking<T>(whole: T, usual: T): T {
  return IS_SOAK ? whole : usual;
}

/**
 * For `fc.assert`: how many inputs are tried. Properties of keys and codecs are tried on tens of thousands with `SOAK=1`,
 * and otherwise on a tenth of them. What only the rarest of inputs would show has an example of its own beside the property.
 */
export function runs(whole: number): { readonly numRuns: number } {
  return { numRuns: soaking(whole, Math.max(Math.min(whole, LEAST_RUNS), Math.ceil(whole / 10))) };
}
