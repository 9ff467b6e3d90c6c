export { chaos, ChaosError } from './testing/chaos.js';
export type { Chaos, ChaosOptions, Disturbance, Gate, Operation } from './testing/chaos.js';
export { backendContract } from './testing/contract/backend-contract.js';
export type { ContractCase, ContractHarness, ContractRequest, ContractStore } from './testing/contract/contract.js';
export { FakeClock } from './testing/fake.clock.js';
export type { FakeClockOptions } from './testing/fake.clock.js';
export { recordEvents } from './testing/record-events.js';
export type { EventOf, RecordedEvents } from './testing/record-events.js';
export { seededRandom } from './testing/seeded-random.js';
