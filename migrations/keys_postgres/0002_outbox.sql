-- Letters to be sent, beside the cursor of the follower that puts them here. A row says no more than which event it is
-- about: who gets what is made anew from the event at each try, so that nothing has to be erased here.
--
-- `letter` is the number of the letter among those of its event, or -1 while nobody has asked how many there are. A row
-- is gone when its letter was sent. `reason` never repeats what a mail server said.
create table outbox (
    position  bigint not null,
    letter    bigint not null,
    event     text not null,
    since     bigint not null,
    tries     bigint not null,
    due_at    bigint not null,
    parked_at bigint,
    reason    text,
    primary key (position, letter)
);

create index outbox_due on outbox (due_at) where parked_at is null;
