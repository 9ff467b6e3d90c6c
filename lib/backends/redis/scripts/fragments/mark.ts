/**
 * The mark of an entry; a key of another type is not ours and goes.
 *
 * Defines mark(key) → the first 16 bytes, '' for none; whole(key) → all bytes, '' for none.
 */
export const MARK = `
local function mark(key)
  local e = redis.pcall('GETRANGE', key, '0', '15')
  if type(e) == 'table' then redis.call('UNLINK', key) return '' end
  return e
end
local function whole(key)
  local e = redis.pcall('GET', key)
  if type(e) == 'table' or not e then return '' end
  return e
end
`;
