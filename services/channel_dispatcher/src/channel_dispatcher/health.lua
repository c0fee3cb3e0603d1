-- The health of provider accounts, shared by all replicas. Two commands, one hash an account.
--
-- KEYS      one hash for each account: {good, bad, at, open_until, opened, pause_until, probes, probe_until, passed}.
-- ARGV[1]   now in microseconds, or "0" for this server's own clock.
-- ARGV[2]   "ask", "look" (takes no probe), or "tell".
-- ARGV[3]   JSON; for "tell": [[good, bad, pause_us], ...] in the order of the keys; else [].
-- ARGV[4]   JSON {tau_us, bad_min, share, open_us, open_max_us, probes, passes}.
-- Returns   JSON [[state, allowance, until_us], ...]: state 0 closed, 1 open or paused, 2 half open; an allowance of -1
--           has no end.
--
-- Results fade with time (tau_us). When enough of them are bad the circuit opens, each time twice as long. After that it
-- is half open: one replica at a time gets a few probes; as many passes close it, one failure opens it again.
local now = tonumber(ARGV[1])
local is_simulated = now > 0
if not is_simulated then
    local time = redis.call('TIME')
    now = time[1] * 1000000 + time[2]
end
local told = cjson.decode(ARGV[3])
local rule = cjson.decode(ARGV[4])
local answer = {}

for number, key in ipairs(KEYS) do
    local names = {'good', 'bad', 'at', 'open_until', 'opened', 'pause_until', 'probes', 'probe_until', 'passed'}
    local one = {}
    for at, value in ipairs(redis.call('HMGET', key, unpack(names))) do one[names[at]] = tonumber(value or '0') end
    local is_half_open = one.opened > 0 and now >= one.open_until
    if ARGV[2] == 'tell' then
        local good, bad, pause_us = told[number][1], told[number][2], told[number][3]
        local fade = math.exp(-math.max(0, now - one.at) / rule.tau_us)
        one.good, one.bad, one.at = one.good * fade + good, one.bad * fade + bad, now
        if pause_us > 0 then one.pause_until = math.max(one.pause_until, now + pause_us) end
        local trips = one.opened == 0 and one.bad >= rule.bad_min and one.bad >= rule.share * (one.good + one.bad)
        if trips or (is_half_open and bad > 0) then
            local times = math.min(one.opened, 20)
            one.open_until = now + math.min(rule.open_us * 2 ^ times, rule.open_max_us)
            one.opened, one.probes, one.probe_until, one.passed = one.opened + 1, 0, 0, 0
        elseif is_half_open then
            one.passed = one.passed + good
            if one.passed >= rule.passes then
                one.opened, one.open_until, one.good, one.bad, one.passed = 0, 0, good, 0, 0
            end
        end
        is_half_open = one.opened > 0 and now >= one.open_until
    end
    local state, allowance, until_us = 0, -1, 0
    if now < one.pause_until or (one.opened > 0 and now < one.open_until) then
        state, allowance = 1, 0
        until_us = math.max(one.pause_until, one.opened > 0 and one.open_until or 0)
    elseif is_half_open then
        state = 2
        if now >= one.probe_until then one.probes, one.probe_until = rule.probes, now + rule.open_us end
        allowance, until_us = one.probes, one.probe_until
        if ARGV[2] == 'ask' then one.probes = 0 end
    end
    local flat = {}
    for _, name in ipairs(names) do
        flat[#flat + 1] = name
        flat[#flat + 1] = (name == 'good' or name == 'bad') and string.format('%.6f', one[name]) or string.format('%d', one[name])
    end
    redis.call('HSET', key, unpack(flat))
    redis.call('PEXPIRE', key, is_simulated and 86400000 or 7200000)
    answer[number] = {state, allowance, string.format('%d', until_us)}
end
return cjson.encode(answer)
