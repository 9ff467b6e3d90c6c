/**
 * Tells other processes what this script changes; part of the change, so that no process reads it before it is told. Its
 * two arguments come before all others and are taken away: channel ('': no process listens) and text. In sharded mode the
 * channel is also the last of KEYS. Where the server does not allow it, nothing is told, and copies live until they are
 * checked.
 *
 * Needs META. Defines channel, announce(life, number) and announce_store(m, life, number), which takes a number first.
 */
export const ANNOUNCE = `
local channel, said = table.remove(ARGV, 1), table.remove(ARGV, 1)
local function announce(life, number)
  if channel == '' then return end
  redis.pcall(KEYS[#KEYS] == channel and 'SPUBLISH' or 'PUBLISH', channel, said .. '|' .. life .. '|' .. num(number))
end
local function announce_store(m, life, number)
  if channel == '' then return end
  redis.call('HSET', m, 'q', num(number + 1))
  announce(life, number + 1)
end
`;
