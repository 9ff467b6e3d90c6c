import { DIGITS } from '../../state-string.js';

/** How long the list may be. Of more, the oldest are dropped. Every hit reads it. */
const MAX_LIST = 256;
/** Labels invalidated at once of which none is named: they would fill the list with what is likely to be of one entry. */
const MAX_NAMED = 9;

/**
 * The list of labels that were invalidated last, as the state string says it, bulk|since|stamp|labels|stamp|labels|…: of
 * each invalidation its labels, with commas between them, the oldest first and the same ones once. What cannot be named
 * begins the list anew, behind it.
 *
 * Needs META. Defines
 *   anew(now)                  → nothing is named, and nothing has to be
 *   list_with(r, now, from)    → what the hash says in r, with what ARGV names from there on
 */
export const LIST = `
local function anew(now) return wide(now) .. wide(now) end
local function list_with(r, now, from)
  -- Readers compare texts: what might be written in two ways, or read as two, is not named.
  local is_plain = #ARGV - from < ${MAX_NAMED} and not string.find(table.concat(ARGV, '', from), '[^!-+--{}~]')
  if not is_plain then return anew(now) end
  local last, since, named = listed(r)
  now = wide(now)
  if #ARGV >= from then
    local labels = table.concat(ARGV, ',', from) .. '|'
    local at, to = string.find('|' .. named, '|' .. labels, 1, true)
    -- One less than in the text that was searched.
    if at then named = string.sub(named, 1, at - ${DIGITS + 2}) .. string.sub(named, to) .. now .. labels
    else named = named .. now .. labels end
  end
  while #named > ${MAX_LIST} do
    local stamp, rest = string.match(named, '^(%d+|)[^|]*|(.*)$')
    if not stamp then return now .. now end
    since, named = stamp, rest
  end
  return now .. since .. named
end
`;
