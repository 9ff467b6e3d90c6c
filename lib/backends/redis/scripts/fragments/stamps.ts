/**
 * Stamps of the labels that ARGV names between two places.
 *
 * Defines stamps(key, from, to) → one text each, '' where nothing was invalidated.
 */
export const STAMPS = `
local function stamps(key, from, to)
  if to < from then return {} end
  local names = {}
  for j = from, to do names[#names + 1] = ARGV[j] end
  local found = redis.call('HMGET', key, unpack(names))
  for j = 1, #names do if not found[j] then found[j] = '' end end
  return found
end
`;
