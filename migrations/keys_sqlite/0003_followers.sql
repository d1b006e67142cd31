-- Which log these keys belong to: cursors of another log would skip its events, or act on them twice.
create table bound_log (
    id  integer not null primary key check (id = 1),
    log text    not null
) strict;

-- Events that a follower could not act on and has gone past. They are tried again from time to time, and gone once that
-- succeeds.
create table parked (
    name     text    not null,
    position integer not null,
    reason   text    not null,
    since    integer not null,
    primary key (name, position)
) strict;
