import TestSequencer from '@jest/test-sequencer';

/**
 * What takes longest where nothing is known of earlier runs, as in a fresh clone. Jest would go by the length of files;
 * a short one that runs a long contract would be begun last, and everybody would wait for it.
 */
const LONGEST = [
  'mongo/contract.clients',
  'tiered/buses',
  'redis/data.all',
  'redis/life.all',
  'mongo/data.all',
  'mongo/streams',
  'mongo/faults',
  'mongo/contract',
  'mongo/history',
  'redis/cluster',
  'tiered/all',
  'mongo/life.all',
  'mongo/nest.all',
  'redis/nest.all',
  'redis/contract.clients',
  'redis/silent-start',
  'mongo/absence',
  'mongo/tiered',
  'tiered/contract',
  'redis/contract',
  'package/tarball',
  'model/all',
  'redis/leaks',
  'tiered/history',
  'unit/nest/all',
  'unit/nest/methods/all',
  'unit/nest/cache/all',
  'unit/backends/all',
  'unit/codec/all',
];

export default class LongestFirst extends TestSequencer {
  sort(tests) {
    return super.sort(tests).sort((one, other) => place(one) - place(other));
  }
}

function place({ path }) {
  const at = LONGEST.findIndex((name) => path.endsWith(`/test/${name}.spec.ts`));
  return at === -1 ? LONGEST.length : at;
}
