import { clearingCases } from './clearing.cases.js';
import type { ContractCase } from './contract.js';
import { countingCases } from './counting.cases.js';
import { evictionCases } from './eviction.cases.js';
import { fillCases } from './fill.cases.js';
import { instanceCases } from './instance.cases.js';
import { invalidationCases } from './invalidation.cases.js';
import { leaseCases } from './lease.cases.js';
import { patternCases } from './pattern.cases.js';
import { readingCases } from './reading.cases.js';
import { timeCases } from './time.cases.js';
import { upkeepCases } from './upkeep.cases.js';
import { valueCases } from './value.cases.js';
import { writingCases } from './writing.cases.js';

/**
 * What every backend promises, as data: run each case with any test runner to prove a backend of your own. Two clients
 * work on one store in every case, beside another tenant, another user and what all tenants share, which must not
 * notice anything.
 *
 * @example
 * describe.each(Object.entries(backendContract))('%s', (_, cases) => {
 *   it.each(cases)('$name', ({ run }) => run(harness));
 * });
 */
export const backendContract = Object.freeze({
  reading: readingCases,
  leases: leaseCases,
  fills: fillCases,
  writing: writingCases,
  counting: countingCases,
  eviction: evictionCases,
  invalidation: invalidationCases,
  clearing: clearingCases,
  patterns: patternCases,
  time: timeCases,
  values: valueCases,
  instances: instanceCases,
  upkeep: upkeepCases,
}) satisfies Readonly<Record<string, readonly ContractCase[]>>;
