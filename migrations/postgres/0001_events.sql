-- The log of several nodes: appended by postgres-es, numbered by the sequencer, never changed.
--
-- `sequence` orders one stream and is the optimistic lock of its writers. `id` is the order of arrival, not of commit
-- (an id can become visible after higher ones): readers follow `log` instead. Its cache must stay 1, so that within
-- a stream ids rise.
create table events (
    id             bigint      not null unique generated always as identity (cache 1),
    aggregate_type text        not null,
    aggregate_id   text        not null,
    sequence       bigint      not null check (sequence > 0),
    event_type     text        not null,
    event_version  text        not null,
    payload        json        not null,
    metadata       json        not null,
    recorded_at    timestamptz not null default clock_timestamp(),
    primary key (aggregate_type, aggregate_id, sequence)
);

-- The global order: dense positions, given after commit by the sequencer.
create table log (
    position bigint primary key check (position > 0),
    event_id bigint not null unique
);

-- How far the sequencer has settled every id: at or below `low`, an id is in `log` or never will be.
create table sequencer (
    single smallint primary key check (single = 1),
    low  bigint   not null
);

insert into sequencer (single, low) values (1, 0);

-- What happened cannot be made to have happened otherwise, nor in another order.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is only ever appended to', tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger events_are_only_appended before update or delete or truncate on events
for each statement execute function refuse_change();

create trigger log_is_only_appended before update or delete or truncate on log
for each statement execute function refuse_change();

-- Which log this is. Checkpoints name it, so that a projection notices when it is put beside another log.
create table log_identity (
    single smallint primary key check (single = 1),
    id   uuid     not null
);

insert into log_identity (single, id) values (1, gen_random_uuid());
