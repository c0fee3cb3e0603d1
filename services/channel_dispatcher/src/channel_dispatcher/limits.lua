-- Grants tokens of several sliding windows to many requests in one step.
--
-- KEYS[1]   epoch: hash {run, since, nonce}; KEYS[2..] one hash of slot -> tokens for each window (all in one hash
--           slot), with the name of the epoch it was restored in under "epoch", if it was.
-- ARGV[1]   now in microseconds, or "0" for this server's own clock (the only clock that all replicas share).
-- ARGV[2]   slots that a window is cut into.
-- ARGV[3]   JSON [[length_us, limit], ...], one for each window, in the order of the keys.
-- ARGV[4]   JSON [[cost, count, [window number from 1, ...]], ...]: `count` equal requests, most urgent first.
-- ARGV[5]   length in microseconds from which on a window can be restored.
-- Returns   JSON {"granted": [count, ...], "wait_us": n, "at_us": "n", "epoch": name, "lost": [window number, ...]};
--           wait_us > 0 tells when asking again is worth while, at_us is the instant of the grant as text; lost are
--           the windows that count as full for want of memory, and can be restored.
--
-- Atomic because a grant must hold in all its windows at once, for all replicas.
-- A window counts the running slot and `slots` whole ones before it, so no stretch of `length_us`, wherever it starts,
-- holds more than the limit. When this server has lost its memory, or may have (another run id), a new epoch begins: every
-- window counts as full until one length has passed, or until it is restored (limits_restore.lua).
local now = tonumber(ARGV[1])
local is_simulated = now > 0
if not is_simulated then
    local time = redis.call('TIME')
    now = time[1] * 1000000 + time[2]
end
local slots = tonumber(ARGV[2])
local windows = cjson.decode(ARGV[3])
local groups = cjson.decode(ARGV[4])
local restored_from_us = tonumber(ARGV[5])

local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local epoch = redis.call('HMGET', KEYS[1], 'run', 'since', 'nonce')
local since, nonce = tonumber(epoch[2] or '0'), epoch[3] or ''
if epoch[1] ~= run or since > now then
    local time = redis.call('TIME')  -- a simulated clock may stand still between two losses
    since, nonce = now, time[1] .. '.' .. time[2]
    redis.call('HSET', KEYS[1], 'run', run, 'since', string.format('%d', since), 'nonce', nonce)
end
local name = string.format('%s:%d:%s', run, since, nonce)
local lost = {}

-- When `wanted` tokens of a window will be free, given the slots in use (oldest first).
local function release_at(window, wanted)
    local freed = window.free
    for _, slot in ipairs(window.used_slots) do
        freed = freed + window.used[slot]
        if freed >= wanted then
            return (slot + slots + 1) * window.slot_us
        end
    end
    return now + window.length_us
end

for number, spec in ipairs(windows) do
    local window = {length_us = spec[1], limit = spec[2], slot_us = spec[1] / slots, taken = 0, used = {}, used_slots = {}}
    window.current = math.floor(now / window.slot_us)
    local sum, stale = 0, {}
    local flat = redis.call('HGETALL', KEYS[number + 1])
    for at = 1, #flat, 2 do
        local slot, tokens = tonumber(flat[at]), tonumber(flat[at + 1])
        if flat[at] == 'epoch' then
            window.is_restored = flat[at + 1] == name
        elseif slot < window.current - slots then
            stale[#stale + 1] = flat[at]
        else
            sum = sum + tokens
            window.used[slot] = tokens
            window.used_slots[#window.used_slots + 1] = slot
            if slot > window.current then window.current = slot end
        end
    end
    if #stale > 0 then redis.call('HDEL', KEYS[number + 1], unpack(stale)) end
    table.sort(window.used_slots)
    window.free = window.limit - sum
    window.full_until = window.is_restored and 0 or since + window.length_us + window.slot_us
    if now < window.full_until then
        window.free = 0
        if window.length_us >= restored_from_us then lost[#lost + 1] = number end
    end
    windows[number] = window
end

local granted, wait_us = {}, 0
for number, group in ipairs(groups) do
    local cost, count, used = group[1], group[2], group[3]
    local grant = count
    for _, at in ipairs(used) do
        grant = math.min(grant, math.max(0, math.floor(windows[at].free / cost)))
    end
    for _, at in ipairs(used) do
        windows[at].free = windows[at].free - grant * cost
        windows[at].taken = windows[at].taken + grant * cost
    end
    granted[number] = grant
    if grant < count then
        local ready_at = now + 1
        for _, at in ipairs(used) do
            local window = windows[at]
            local wanted = math.max(cost, math.min((count - grant) * cost, math.floor(window.limit / 4)))
            if now < window.full_until then
                ready_at = math.max(ready_at, window.full_until)
            elseif window.free < wanted then
                ready_at = math.max(ready_at, release_at(window, wanted))
            end
        end
        if wait_us == 0 or ready_at - now < wait_us then wait_us = ready_at - now end
    end
end

for number, window in ipairs(windows) do
    if window.taken > 0 then
        redis.call('HINCRBY', KEYS[number + 1], string.format('%d', window.current), window.taken)
        -- A simulated clock may stand still for long: its windows stay for a day of real time.
        redis.call('PEXPIRE', KEYS[number + 1], is_simulated and 86400000 or math.ceil(window.length_us / 500))
    end
end
local answer = {granted = granted, wait_us = math.ceil(wait_us), at_us = string.format('%d', now), epoch = name}
answer.lost = #lost > 0 and lost or nil  -- an empty table would be written as an object
return cjson.encode(answer)
