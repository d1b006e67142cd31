-- The Merkle tree over the log, in a file of its own: it follows from the log and can be built anew, so a commit need not
-- reach the disk at once. What must not be lost are the signed checkpoints, which are files.
--
-- `size` is how many events it holds, which is also the last position that it has read. `origin` names the tree in
-- checkpoints; a restore begins another.
create table tree (
    single integer primary key check (single = 1),
    log    text    not null,
    origin text    not null,
    size   integer not null
) strict;

-- Hashes of 32 bytes, 256 to a full tile. Level 0 holds leaves, each level above the roots of full tiles of the one below.
create table tiles (
    level  integer not null,
    number integer not null,
    hashes blob    not null,
    primary key (level, number)
) strict;

-- Every checkpoint, as it was signed. `sent` says whether it has left for `audit.checkpoint_url`.
create table checkpoints (
    id     integer not null primary key,
    origin text    not null,
    size   integer not null,
    root   blob    not null,
    at     integer not null,
    note   text    not null,
    sent   integer not null
) strict;

create index checkpoints_unsent on checkpoints (id) where sent = 0;
