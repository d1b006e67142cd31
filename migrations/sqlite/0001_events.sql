-- The log of one node: appended by sqlite-es through one connection, never changed.
--
-- `position` is the order of the log. It is an explicit INTEGER PRIMARY KEY because an implicit rowid changes at VACUUM,
-- and without AUTOINCREMENT because a rolled back append must leave no gap. `sequence` orders one stream and is the
-- optimistic lock of its writers. Instants are microseconds since 1970 (SQLite's clock has milliseconds).
create table events (
    position       integer primary key,
    aggregate_type text    not null,
    aggregate_id   text    not null,
    sequence       integer not null check (sequence > 0),
    event_type     text    not null,
    event_version  text    not null,
    payload        text    not null,
    metadata       text    not null,
    recorded_at    integer not null default (cast(round(unixepoch('subsec') * 1000) as integer) * 1000),
    unique (aggregate_type, aggregate_id, sequence)
) strict;

-- What happened cannot be made to have happened otherwise.
create trigger events_are_not_updated before update on events
begin
    select raise(abort, 'events are only ever appended');
end;

create trigger events_are_not_deleted before delete on events
begin
    select raise(abort, 'events are only ever appended');
end;

-- Which log this is. Checkpoints name it, so that a projection notices when it is put beside another log.
create table log_identity (
    single integer primary key check (single = 1),
    id   text    not null
) strict;

insert into log_identity (single, id)
values (1, lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8'
    || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))));
