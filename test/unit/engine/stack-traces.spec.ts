/** Callers in the stacks of what loaders throw, in this process alone. With servers: test/redis/stack-traces.spec.ts. */
import { describe } from '@jest/globals';
import { memory } from '../../../lib/index.js';
import { chaos } from '../../../lib/testing.js';
import { proveTraces } from '../../support/machine/prove-traces.js';

describe('in memory', () => proveTraces(() => memory()));
describe('a backend that answers asynchronously', () => proveTraces(() => chaos(memory())));
