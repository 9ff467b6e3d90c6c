/** Very many keys in one call, while another tenant reads. */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import type { BackendFactory } from '../../lib/core/backend.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import type { Key } from '../../lib/core/keys/key.js';
import { InvalidationUnknownError } from '../../lib/core/errors.js';
import { LocalBus } from '../support/bus/every-change.js';
import { Rig } from '../support/machine/rig.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { clusterOfOne } from '../support/redis/redis-cluster.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { soaking } from '../support/soak.js';
