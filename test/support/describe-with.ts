import { describe } from '@jest/globals';

/** A suite that needs something of the machine. Where that is missing it skips and says why; with CI=true it fails. */
export function describeWith(missing: string | undefined, name: string, suite: () => void): void {
  if (missing === undefined) describe(name, suite);
  else if (process.env['CI'] === 'true') throw new Error(missing);
  else describe.skip(`${name} (skipped: ${missing})`, suite);
}
