-- Gives windows back what was taken from them, after this server lost it.
--
-- KEYS[1]   epoch, KEYS[2..] windows: as in limits.lua.
-- ARGV[1]   name of the epoch that the counts were made in: in any other one nothing is done.
-- ARGV[2]   JSON [[length_us, [[slot, tokens], ...]], ...], one for each window, in the order of the keys.
-- Returns   how many windows were restored.
--
-- A window is restored once in an epoch: whoever comes later may have counted before the latest grants.
local epoch = redis.call('HMGET', KEYS[1], 'run', 'since', 'nonce')
if not epoch[2] or string.format('%s:%d:%s', epoch[1], epoch[2], epoch[3] or '') ~= ARGV[1] then return 0 end
local restored = 0
for number, spec in ipairs(cjson.decode(ARGV[2])) do
    local key = KEYS[number + 1]
    if redis.call('HGET', key, 'epoch') ~= ARGV[1] then
        redis.call('DEL', key)
        redis.call('HSET', key, 'epoch', ARGV[1])
        for _, slot in ipairs(spec[2]) do
            redis.call('HSET', key, string.format('%d', slot[1]), string.format('%d', slot[2]))
        end
        -- As long as the window could count as full for want of memory, and a day for a simulated clock.
        redis.call('PEXPIRE', key, math.max(86400000, math.ceil(spec[1] / 500)))
        restored = restored + 1
    end
end
return restored
