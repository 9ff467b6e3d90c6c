/**
 * The beginning of an entry up to the end of its header, which says itself how long it is (see codec/envelope.ts); of
 * anything else at most so many bytes.
 *
 * Defines head(key, most) → bytes; '': nothing, or a key of another type.
 */
export const HEAD = `
local function head(key, most)
  local e = redis.pcall('GETRANGE', key, 0, 17)
  if type(e) == 'table' then return '' end
  if #e < 18 then return e end
  if e:sub(1, 2) == '\\83\\231' then most = math.max(18, math.min(most, e:byte(17) + e:byte(18) * 256)) end
  return redis.call('GETRANGE', key, 0, most - 1)
end
`;
