-- More than letters waits to be sent: each queue has a name, which is also that of the cursor that it moves with. Letters
-- are those of `outbox`. What has no parts has the number -1 as its `letter`.
alter table outbox add column queue text not null default 'outbox';
alter table outbox alter column queue drop default;

alter table outbox drop constraint outbox_pkey;
alter table outbox add primary key (queue, position, letter);

drop index outbox_due;
create index outbox_due on outbox (queue, due_at) where parked_at is null;
