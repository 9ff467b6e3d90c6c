import { META } from './fragments/meta.js';
import { INDEX } from './fragments/id-index.js';
import { MARK } from './fragments/mark.js';
import { script, type Script } from './script.js';
import { ENDLESS_MS } from '../../shared/draft-times.js';

/**
 * Adds to a counter, which keeps its end; one without an end is kept for another year. It is text (labels are separated by line feeds):
 *   NC|birth|identity|generation|stamp|freshUntilMs or 0|graceMs|labels|number
 * `birth` are 13 random characters, so that the mark changes with every birth and not with every count.
 *
 * KEYS    entry meta lease index expiries state
 * ARGV    nonce by keptMs freshUntilMs graceMs labels indexId deadMark birth identity
 * Output  {1, number}
 *         {0, entry}    an envelope stands there
 *         {2}           not a safe number
 */
export const COUNT: Script = script(
  META,
  INDEX,
  MARK,
  `
local i, c, q, f = meta(KEYS[2], ARGV[1], KEYS[6])
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
  local counted = lead .. '|' .. life .. '|' .. stamp .. rest .. num(total)
  if fresh == '0' then
    put(KEYS[1], counted, ${ENDLESS_MS})
    index(KEYS[4], KEYS[5], KEYS[2], ARGV[7], ${ENDLESS_MS}, keep(${ENDLESS_MS}, KEYS[2]))
  else
    redis.call('SET', KEYS[1], counted, 'KEEPTTL')
  end
  redis.call('DEL', KEYS[3])
else
  local ms = tonumber(ARGV[3])
  local words = {'NC', ARGV[9], ARGV[10], i, num(c), ARGV[4], ARGV[5], ARGV[6], num(total)}
  put(KEYS[1], table.concat(words, '|'), ms)
  redis.call('DEL', KEYS[3])
  index(KEYS[4], KEYS[5], KEYS[2], ARGV[7], ms, keep(ms, KEYS[2]))
end
return {1, num(total)}
`,
);
