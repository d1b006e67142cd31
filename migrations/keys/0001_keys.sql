-- The keys. They cannot be rebuilt from anything: losing this table erases everybody.
--
-- `wrapped` is a key under the master key, as base64url; null once the key was destroyed. The row stays as a tombstone, so
-- that "erased" can be told from "lost". One set of SQL serves SQLite and PostgreSQL: text and bigint only.
create table keys (
    name         text   not null primary key,
    wrapped      text,
    created_at   bigint not null,
    destroyed_at bigint
);

-- How far the processes that follow the log have come. Durable like the keys, since what they do cannot be undone.
create table cursors (
    name     text   not null primary key,
    position bigint not null
);
