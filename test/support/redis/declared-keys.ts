/**
 * Dragonfly and clusters forbid scripts to touch keys they did not declare; a plain server does not mind. Here it does:
 * every script runs behind a prelude whose `redis.call` looks each key up in KEYS.
 */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Script } from '../../../lib/backends/redis/scripts/script.js';
import { EVICT } from '../../../lib/backends/redis/scripts/evict.js';
import { DISCARD } from '../../../lib/backends/redis/scripts/discard.js';
import { INVALIDATE } from '../../../lib/backends/redis/scripts/invalidate.js';
import { VISIT } from '../../../lib/backends/redis/scripts/visit.js';
import { REMOVE } from '../../../lib/backends/redis/scripts/remove.js';
import { LEASE } from '../../../lib/backends/redis/scripts/lease.js';
import { FILL } from '../../../lib/backends/redis/scripts/fill.js';
import { WRITE } from '../../../lib/backends/redis/scripts/write.js';
import { SWAP } from '../../../lib/backends/redis/scripts/swap.js';
import { RENEW } from '../../../lib/backends/redis/scripts/renew.js';
import { RELEASE } from '../../../lib/backends/redis/scripts/release.js';
import { COUNT } from '../../../lib/backends/redis/scripts/count.js';
import { CHECK_KEYS } from '../../../lib/backends/redis/scripts/check-keys.js';
import { LEAVE_MARK } from '../../../lib/backends/redis/scripts/leave-mark.js';

const PRELUDE = `
local declared = {}
for _, key in ipairs(KEYS) do declared[key] = true end
local real = redis
-- Channels are no keys.
local keyless = {TIME = true, PUBLISH = true}
local all = {DEL = true, UNLINK = true}
local function check(name, ...)
  name = string.upper(name)
  if keyless[name] then return end
  local args = {...}
  for n = 1, all[name] and #args or 1 do
    if not declared[args[n]] then error('undeclared key: ' .. name .. ' ' .. tostring(args[n])) end
  end
end
local redis = {
  call = function(...) check(...) return real.call(...) end,
  pcall = function(...) check(...) return real.pcall(...) end,
}
`;

const SCRIPTS = [
  EVICT,
  DISCARD,
  INVALIDATE,
  VISIT,
  REMOVE,
  LEASE,
  FILL,
  WRITE,
  SWAP,
  RENEW,
  RELEASE,
  COUNT,
  CHECK_KEYS,
  LEAVE_MARK,
];

export const ALL_SCRIPTS: ReadonlyMap<string, Script> = new Map(SCRIPTS.map((script) => [script.sha, script]));

/** The same client, with every script watched. */
export function watchingKeys(client: Redis): Redis {
  const call = client.callBuffer.bind(client) as (...args: unknown[]) => Promise<unknown>;
  client.callBuffer = ((name: string, ...args: unknown[]) => {
    if (name !== 'EVALSHA' && name !== 'EVAL') return call(name, ...args);
    const [said, ...rest] = args;
    const sha = name === 'EVALSHA' ? String(said) : createHash('sha1').update(String(said)).digest('hex');
    const script = ALL_SCRIPTS.get(sha);
    if (script === undefined) return Promise.reject(new Error('a script that is not in the list'));
    return call('EVAL', PRELUDE + script.source, ...rest);
  }) as typeof client.callBuffer;
  return client;
}
