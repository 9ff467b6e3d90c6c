// For backends of your own. Experimental: until 0.1.0 the contract moves with the speed of our own backends.
export { guarded } from './backends/resilience/guarded.js';
export type { GuardedOptions } from './backends/resilience/guarded.js';
export type { GuardOptions } from './backends/resilience/options.js';
export { RefusedError } from './backends/shared/refused.error.js';
export type { Application } from './core/application.js';
export type { Awaitable } from './core/async/awaitable.js';
export { Pace, PORTION_STEPS } from './core/async/pace.js';
export type {
  Backend,
  BackendFactory,
  BackendInfo,
  BackendParts,
  FillOutcome,
  Lease,
  LeaseReply,
  LeaseRequest,
  Page,
  Reading,
  Selection,
  Usage,
} from './core/backend.js';
export type { BusMaker } from './core/bus.js';
export { machineOf } from './core/clock.js';
export type { Clock } from './core/clock.js';
export { ENVELOPE_MARK_BYTES, MAX_HEADER_BYTES } from './core/codec.js';
export type { Codec, Header, Opened, Sealable } from './core/codec.js';
export type { Draft, Entry, Handling, Level } from './core/entry.js';
export { BackendError, NotACounterError, UnserializableError, ValueTooLargeError } from './core/errors.js';
export { compileGlob, stepsToTest } from './core/keys/glob.js';
export type { Glob } from './core/keys/glob.js';
export { isInView } from './core/keys/in-view.js';
export { storedId, visibleKey, visibleKeyIn } from './core/keys/key.js';
export type { Key, KeyId } from './core/keys/key.js';
export { storedLabels } from './core/keys/label.js';
export type { Label } from './core/keys/label.js';
export { partitionOfId } from './core/keys/partition.js';
export type { Partition } from './core/keys/partition.js';
export type { Space, View } from './core/keys/space.js';
export type { Limits } from './core/limits.js';
export type { Emit } from './core/observer.js';
export { survives } from './core/stamp.js';
export type { RequiredStamp, Generation, Stamp } from './core/stamp.js';
export type { Copied, Copier } from './core/values/copier.js';
export type { Isolation } from './core/values/isolation.js';
export { backendContract } from './testing/contract/backend-contract.js';
export type { ContractCase, ContractHarness, ContractRequest, ContractStore } from './testing/contract/contract.js';
export { contractHarness, contractParts } from './testing/contract/harness.js';
export type { ContractPartsOptions, HarnessOptions } from './testing/contract/harness.js';
export { FakeClock } from './testing/fake.clock.js';
export type { FakeClockOptions } from './testing/fake.clock.js';
