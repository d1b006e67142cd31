-- What is counted against whom. Nothing here is worth a backup: a lost file forgets a day's guesses.
--
-- `key` is a keyed hash: no address, no network and no device can be read from it. `used` counts attempts, `free_at` is the
-- first instant at which another is let through, and from `until` on the row means nothing. Microseconds since 1970.
create table counters (
    key     blob    not null primary key,
    used    integer not null,
    free_at integer not null,
    until   integer not null
) strict, without rowid;

create index counters_until on counters (until);
