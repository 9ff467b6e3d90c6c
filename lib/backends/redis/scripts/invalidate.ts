import { META } from './fragments/meta.js';
import { ANNOUNCE } from './fragments/announce.js';
import { LIST } from './fragments/list.js';
import { script, type Script } from './script.js';

/** Labels of a shard whose stamps are kept. Beyond it the minimum stamp rises to the oldest: more is invalid, never less. */
const MAX_LABELS = 4_096;
/** Labels forgotten at once. */
const FORGOTTEN = 64;
/** Labels of one command: Lua hands over a few thousand arguments at once. */
const AT_ONCE = 1_000;
/** How long it is remembered which labels are the oldest; without that, all are forgotten at once when there are too many. */
const AGES_MS = 30 * 86_400_000;

/**
 * Invalidates labels, or the whole shard. O(1) in entries. Succeeds on a server that is out of memory.
 *
 * The state string goes before the hash is looked at: readers of one that has outlived its hash would go on by it. What it
 * said is compared with the hash first, as STATE does: where one of them was put back, the two would agree again from here
 * on, and no look could find it. Then both go.
 *
 * KEYS    meta labels state
 * ARGV    kind(label|f|p) label…, where f raises the minimum stamp, and p says that entries that
 *         match a pattern are about to be removed
 * Output  {generation, clock, previous minimum stamp, previous stamps}; without a generation, and 0
 *         or 3 as of STATE in the place of the clock, where nothing is valid
 */
export const INVALIDATE: Script = script(
  META,
  LIST,
  ANNOUNCE,
  `
local said = redis.pcall('GET', KEYS[3])
redis.call('UNLINK', KEYS[3])
local kind = ARGV[1]
ARGV[1] = 'r'
local i, c, q, f, b, p = known_meta(KEYS[1], 1, #ARGV)
local before = stamps
local list = table.remove(before, 1)
local is_put_back = i and type(said) == 'string' and differs(said, i, f, table.concat({listed(list)}))
if is_put_back then redis.call('UNLINK', KEYS[1]) end
if is_put_back or not i then
  announce('', 0)
  return {'', is_put_back and '3' or '0', '0', {}}
end
announce(i, q + 1)
if #ARGV > 1 and is_other(redis.pcall('ZCARD', KEYS[2])) then redis.call('UNLINK', KEYS[2]) end
-- What the hash says of its end is not believed here: one that was left without an end is given one again.
ends = nil
local left = math.max(1, keep(0, KEYS[1]))
c = math.max(c + 1, now_us())
local now = num(c)
local floor = kind == 'f' and c or f
list = kind == 'f' and anew(now) or list_with(list, now, 2)
local function begin_anew()
  floor, list = c, anew(now)
  redis.call('UNLINK', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[1], 'i', i, 'c', now, 'q', num(q + 1), 'f', now, 'b', now, 'r', list, 'p', num(p))
  last(left, KEYS[1])
end
if kind ~= 'label' then redis.call('HSET', KEYS[1], kind, now) end
-- Nothing older is valid, so an index that has lost members is complete again from here on.
if kind == 'f' then redis.call('HDEL', KEYS[1], 'x') end
for from = 2, #ARGV, ${AT_ONCE} do
  local fields, ages = {}, {}
  for j = from, math.min(#ARGV, from + ${AT_ONCE - 1}) do
    fields[#fields + 1], fields[#fields + 2] = ARGV[j], now
    ages[#ages + 1], ages[#ages + 2] = now, ARGV[j]
  end
  redis.call('HSET', KEYS[1], unpack(fields))
  redis.call('ZADD', KEYS[2], unpack(ages))
end
redis.call('HSET', KEYS[1], 'c', now, 'q', num(q + 1), 'b', now, 'r', list)
if #ARGV > 1 then
  redis.call('PEXPIRE', KEYS[2], num(math.min(left, ${AGES_MS})))
  if redis.call('ZCARD', KEYS[2]) > ${MAX_LABELS} then
    local old = redis.call('ZPOPMIN', KEYS[2], ${FORGOTTEN})
    for j = 1, #old, 2 do
      redis.call('HDEL', KEYS[1], old[j])
      floor = math.max(floor, tonumber(old[j + 1]))
    end
    redis.call('HSET', KEYS[1], 'f', num(floor))
  end
  if redis.call('HLEN', KEYS[1]) > ${2 * MAX_LABELS} then begin_anew() end
end
say(KEYS[3], i, floor, list, left)
return {i, now, num(f), before}
`,
);
