-- The keys, in a schema of their own: the log may be copied and kept for ever, these must be able to die.
--
-- `wrapped` is a data key under the master key, bound to its name. A destroyed key keeps its row with `wrapped` null:
-- a tombstone says "erased", no row at all says "lost". The free space of each page lets that update stay on its page.
create table keys (
    name    text   not null primary key,
    wrapped bytea,
    made_at bigint not null
) with (fillfactor = 80);

-- Which master key wraps them: a value that only its holder can compute.
create table master (
    id    bigint not null primary key check (id = 1),
    proof text   not null
);

-- How far each follower of the log has acted on it.
create table cursors (
    name     text   not null primary key,
    position bigint not null
);
