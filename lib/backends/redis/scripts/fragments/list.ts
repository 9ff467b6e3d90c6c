import { DIGITS } from '../../state-string.js';

/** How long the list may be. Of more, the oldest are dropped. Every hit reads it. */
const MAX_LIST = 256;
/** Labels invalidated at once of which none is named: they would fill the list with what is likely to be of one entry. */
const MAX_NAMED = 9;

/**
 * The list of labels that were invalidated last, as the state string says it, bulk|since|stamp|label|stamp|label|…, each
 * label once, the oldest first. What cannot be named begins the list anew, behind it. No label contains a bar.
 *
 * Needs META. Defines
 *   anew(c)                       → nothing is named, and nothing has to be
 *   list_with(r, b, c, from)      → what the hash says in r, with what ARGV names from there on
 */
export const LIST = `
local function anew(c) return wide(c) .. wide(c) end
local function list_with(r, b, c, from)
  if #ARGV - from >= ${MAX_NAMED} then return anew(c) end
  local last, since, named = listed(r, b)
  local now = wide(c)
  named = '|' .. named
  for j = from, #ARGV do
    local label = ARGV[j] .. '|'
    -- Readers compare texts; what might be written in two ways is not named.
    if string.find(label, '[^!-~]') then return anew(c) end
    local at, to = string.find(named, '|' .. label, 1, true)
    if at then named = string.sub(named, 1, at - ${DIGITS + 1}) .. string.sub(named, to + 1) end
    named = named .. now .. label
  end
  while #named > ${MAX_LIST} do
    local stamp, rest = string.match(named, '^|(%d+|)[^|]*(|.*)$')
    if not stamp then return anew(c) end
    since, named = stamp, rest
  end
  return now .. since .. string.sub(named, 2)
end
`;
