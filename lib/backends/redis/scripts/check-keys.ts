import { script, type Script } from './script.js';

/**
 * What tells keys of one name apart. Writes it for names that are new, unless one of the others does not fit.
 *
 * KEYS    checks
 * ARGV    name check name check…
 * Output  the names that stand for another key here
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
