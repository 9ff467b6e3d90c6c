/** Numbers about numbers. */

export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)];
  return low + (sorted[Math.ceil(at)] - low) * (at % 1);
}

export const median = (values) => quantile(values, 0.5);

/** What a list of measurements comes to: the middle, and how far the middle half of them is apart. */
export function summary(values) {
  const middle = median(values);
  return { median: middle, spread: (quantile(values, 0.75) - quantile(values, 0.25)) / middle, rounds: values.length };
}

/**
 * How many times `values` is of `floor`, from pairs measured one right after the other: what slows the machine down for
 * a moment slows both, and the middle ratio does not see it.
 */
export function pairedRatio(values, floor) {
  return median(values.map((value, round) => value / floor[round]));
}
