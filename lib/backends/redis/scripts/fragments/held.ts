/**
 * The lease on a key, if there is one.
 *
 * Defines held(key) → text, token, generation, stamp; nothing where there is none.
 */
export const HELD = `
local function held(key)
  local text = redis.pcall('GET', key)
  if type(text) == 'table' or not text then return end
  local token, life, stamp = string.match(text, '^([^|]*)|([^|]*)|(%d+)$')
  return text, token, life, tonumber(stamp)
end
`;
