-- The Merkle tree over the log, in a schema of its own: it follows from the log and can be built anew, so a commit need not
-- reach the disk at once. What must not be lost are the signed checkpoints, which are files.
--
-- `size` is how many events it holds, which is also the last position that it has read. `origin` names the tree in
-- checkpoints; a restore begins another.
create table tree (
    single bigint not null primary key check (single = 1),
    log    text   not null,
    origin text   not null,
    size   bigint not null
);

-- Hashes of 32 bytes, 256 to a full tile. Level 0 holds leaves, each level above the roots of full tiles of the one below.
-- Hashes do not compress: nobody should try.
create table tiles (
    level  bigint not null,
    number bigint not null,
    hashes bytea  not null,
    primary key (level, number)
);

alter table tiles alter column hashes set storage external;

-- Every checkpoint, as it was signed. `sent` says whether it has left for `audit.checkpoint_url`.
create table checkpoints (
    id     bigint not null primary key,
    origin text   not null,
    size   bigint not null,
    root   bytea  not null,
    at     bigint not null,
    note   text   not null,
    sent   bigint not null
);

create index checkpoints_unsent on checkpoints (id) where sent = 0;
