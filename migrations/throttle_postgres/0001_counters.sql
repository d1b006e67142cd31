-- What is counted against whom. Nothing here is worth a backup: a crash of the server empties the table and forgets a
-- day's guesses.
--
-- `key` is a keyed hash: no address, no network and no device can be read from it. `used` counts attempts, `free_at` is the
-- first instant at which another is let through, and from `until` on the row means nothing. Microseconds since 1970.
-- The free space of each page lets an update stay on its page.
create unlogged table counters (
    key     bytea  not null primary key,
    used    bigint not null,
    free_at bigint not null,
    until   bigint not null
) with (fillfactor = 70);

create index counters_until on counters (until);
