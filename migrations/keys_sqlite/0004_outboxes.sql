-- More than letters waits to be sent: each queue has a name, which is also that of the cursor that it moves with. Letters
-- are those of `outbox`. What has no parts has the number -1 as its `letter`.
create table queued (
    queue     text    not null,
    position  integer not null,
    letter    integer not null,
    event     text    not null,
    since     integer not null,
    tries     integer not null,
    due_at    integer not null,
    parked_at integer,
    reason    text,
    primary key (queue, position, letter)
) strict;

insert into queued (queue, position, letter, event, since, tries, due_at, parked_at, reason)
    select 'outbox', position, letter, event, since, tries, due_at, parked_at, reason from outbox;

drop table outbox;

alter table queued rename to outbox;

create index outbox_due on outbox (queue, due_at) where parked_at is null;
