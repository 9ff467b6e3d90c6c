/** What stores: leases, fills, writes, counts. Arguments are numbered after the echo, which `script` takes away. */
import { ANNOUNCE, HELD, INDEX, MARK, META, script, STAMPS, type Script } from './script.js';

/**
 * KEYS entry meta lease | ARGV token leaseMs nonce purpose(missing|refresh|replace) seenMark label…
 * → {0, entry, incarnation, floor, serverMs, stamps}           found: something the asker has not seen
 *   {1, entry, incarnation, floor, serverMs, stamps, clock}    granted; entry '=': the one seen, '': none, or replaced
 *   {2, token}                                                 held by another
 */
export const LEASE: Script = script(
  META,
  MARK,
  HELD,
  STAMPS,
  `
local i, c, q, f, b = meta(KEYS[2], ARGV[3])
local seen = mark(KEYS[1])
local ms = num(math.floor(now_us() / 1000))
if ARGV[4] == 'missing' and seen ~= '' and seen ~= ARGV[5] then
  return {0, whole(KEYS[1]), i, num(f), ms, stamps(KEYS[2], 6, #ARGV)}
end
if ARGV[4] ~= 'replace' then
  local text, token, life, stamp = held(KEYS[3])
  if token and life == i and stamp >= b then return {2, token} end
end
redis.call('SET', KEYS[3], ARGV[1] .. '|' .. i .. '|' .. num(c), 'PX', ARGV[2])
keep(tonumber(ARGV[2]) * 2, KEYS[2])
local standing = (seen == '' or ARGV[4] == 'replace') and '' or seen == ARGV[5] and '=' or whole(KEYS[1])
return {1, standing, i, num(f), ms, stamps(KEYS[2], 6, #ARGV), num(c)}
`,
);

/**
 * Told to others when something else stood there, or was to be replaced in any case: what they keep of it is over.
 * KEYS entry meta lease index expiries | ARGV lease(token|incarnation|stamp) incarnation stamp keptMs bytes indexId
 * replaces(1|0) label… → 1 stored, 0 lease lost, -1 invalidated
 */
export const FILL: Script = script(
  META,
  ANNOUNCE,
  INDEX,
  HELD,
  STAMPS,
  `
if held(KEYS[3]) ~= ARGV[1] then return 0 end
local i, c, q, f, b, p = known_meta(KEYS[2])
local stamp = tonumber(ARGV[3])
local is_valid = i == ARGV[2] and f <= stamp and p <= stamp
if is_valid then
  for _, at in ipairs(stamps(KEYS[2], 8, #ARGV)) do if at ~= '' and (tonumber(at) or math.huge) > stamp then is_valid = false end end
end
if not is_valid then redis.call('DEL', KEYS[3]) return -1 end
local ms = tonumber(ARGV[4])
local is_told = channel ~= '' and (ARGV[7] == '1' or redis.pcall('STRLEN', KEYS[1]) ~= 0)
put(KEYS[1], ARGV[5], ms)
redis.call('DEL', KEYS[3])
keep(ms, KEYS[2], KEYS[4], KEYS[5])
index(KEYS[4], KEYS[5], KEYS[2], ARGV[6], ms)
if is_told then announce_store(KEYS[2], i, q) end
return 1
`,
);

/**
 * An explicit write, born now. The envelope was sealed under an incarnation and a stamp; if the shard has been reborn or
 * something was invalidated in bulk since that stamp, nothing is written and the writer seals again.
 * A write that arrives after its caller has given it up (the server hung, a network kept it) would undo what the caller
 * did instead: it is told the time and does nothing.
 * KEYS entry meta lease index expiries | ARGV nonce incarnation stamp keptMs bytes indexId notAfterMs [expectedMark]
 * → {1}, {0, incarnation, clock}, {2}: something else stands there than was expected ('': nothing), {3, serverMs}: too late
 */
export const WRITE: Script = script(
  META,
  ANNOUNCE,
  INDEX,
  MARK,
  `
local ms_now = math.floor(now_us() / 1000)
if ms_now > tonumber(ARGV[7]) then return {3, num(ms_now)} end
local i, c, q, f, b = meta(KEYS[2], ARGV[1])
if i ~= ARGV[2] or tonumber(ARGV[3]) < b then return {0, i, num(c)} end
if ARGV[8] and mark(KEYS[1]) ~= ARGV[8] then return {2} end
local ms = tonumber(ARGV[4])
put(KEYS[1], ARGV[5], ms)
redis.call('DEL', KEYS[3])
keep(ms, KEYS[2], KEYS[4], KEYS[5])
index(KEYS[4], KEYS[5], KEYS[2], ARGV[6], ms)
announce_store(KEYS[2], i, q)
return {1}
`,
);

/**
 * Puts other bytes in the place of an entry that is still the one seen. A lease stays, or goes with 'void'. A counter is
 * the one seen however often others have added to it since: what they have made of it stays.
 * KEYS entry meta lease index expiries | ARGV seenMark keptMs bytes indexId lease(stays|void) → 1 or 0
 */
export const SWAP: Script = script(
  META,
  ANNOUNCE,
  INDEX,
  MARK,
  `
if mark(KEYS[1]) ~= ARGV[1] then return 0 end
local bytes, ms = ARGV[3], tonumber(ARGV[2])
local number = ARGV[1]:sub(1, 3) == 'NC|' and string.match(whole(KEYS[1]), '|(-?%d+)$')
if number then bytes = string.gsub(bytes, '-?%d+$', number) end
put(KEYS[1], bytes, ms)
if ARGV[5] == 'void' then redis.call('DEL', KEYS[3]) end
keep(ms, KEYS[2], KEYS[4], KEYS[5])
index(KEYS[4], KEYS[5], KEYS[2], ARGV[4], ms)
local i, c, q = known_meta(KEYS[2])
if i then announce_store(KEYS[2], i, q) else announce('', 0) end
return 1
`,
);

/** KEYS lease | ARGV lease leaseMs → 1 or 0 */
export const RENEW: Script = script(
  HELD,
  `
if held(KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
`,
);

/** Whatever follows the token: a grant whose answer was lost is known by its token alone. KEYS lease | ARGV token → 1 or 0 */
export const RELEASE: Script = script(
  HELD,
  `
local text, token = held(KEYS[1])
if token == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`,
);

/**
 * Adds to a counter, which is text (labels are separated by line feeds):
 *   NC|birth|identity|incarnation|stamp|freshUntilMs or 0|graceMs|labels|number
 * `birth` are 13 random characters, so that the mark changes with every birth and not with every count.
 * KEYS entry meta lease index expiries | ARGV nonce by keptMs freshUntilMs graceMs labels indexId deadMark birth identity
 * → {1, number} | {0, entry}: an envelope stands there | {2}: not a safe number
 */
export const COUNT: Script = script(
  META,
  INDEX,
  MARK,
  `
local i, c, q, f = meta(KEYS[2], ARGV[1])
local e = whole(KEYS[1])
local lead, life, stamp, rest, fresh, labels, n =
  string.match(e, '^(NC|[^|]*|[^|]*)|([^|]*)|(%d+)(|(%d+)|%d+|([^|]*)|)(-?%d+)$')
if e ~= '' and not n and e:sub(1, 16) ~= ARGV[8] then return {0, e} end
local is_valid = n and e:sub(18, 17 + #ARGV[10]) == ARGV[10] and life == i and tonumber(stamp) >= f
  and (fresh == '0' or tonumber(fresh) > now_us() / 1000)
if is_valid and labels ~= '' then
  local names = {}
  for name in string.gmatch(labels, '[^\\n]+') do names[#names + 1] = name end
  local found = redis.call('HMGET', KEYS[2], unpack(names))
  for j = 1, #names do if found[j] and (tonumber(found[j]) or math.huge) > tonumber(stamp) then is_valid = false end end
end
local total = (is_valid and tonumber(n) or 0) + tonumber(ARGV[2])
if math.abs(total) > 9007199254740991 then return {2} end
if is_valid then
  redis.call('SET', KEYS[1], lead .. '|' .. life .. '|' .. stamp .. rest .. num(total), 'KEEPTTL')
  redis.call('DEL', KEYS[3])
else
  local ms = tonumber(ARGV[3])
  local words = {'NC', ARGV[9], ARGV[10], i, num(c), ARGV[4], ARGV[5], ARGV[6], num(total)}
  put(KEYS[1], table.concat(words, '|'), ms)
  redis.call('DEL', KEYS[3])
  keep(ms, KEYS[2], KEYS[4], KEYS[5])
  index(KEYS[4], KEYS[5], KEYS[2], ARGV[7], ms)
end
return {1, num(total)}
`,
);

/**
 * What tells keys of one name apart. Writes it for names that are new, unless one of the others does not fit.
 * KEYS checks | ARGV name check name check… → the names that stand for another key here
 */
export const CHECK_KEYS: Script = script(`
local others, new = {}, {}
for n = 1, #ARGV, 2 do
  local known = redis.call('HGET', KEYS[1], ARGV[n])
  if not known then
    new[#new + 1] = ARGV[n]
    new[#new + 1] = ARGV[n + 1]
  elseif known ~= ARGV[n + 1] then
    others[#others + 1] = ARGV[n]
  end
end
if #others == 0 and #new > 0 then redis.call('HSET', KEYS[1], unpack(new)) end
return others
`);

/**
 * KEYS the set of marks | ARGV mark keptMs most → the newest marks, at most so many, the newest last
 */
export const LEAVE_MARK: Script = script(`
local t = redis.call('TIME')
local now = tonumber(t[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
local kept = math.floor(tonumber(ARGV[2]) / 1000)
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - kept, 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], old)
end
local over = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[3])
if over > 0 then redis.call('ZPOPMIN', KEYS[1], math.min(over, 100)) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZRANGE', KEYS[1], '-' .. ARGV[3], -1)
`);
