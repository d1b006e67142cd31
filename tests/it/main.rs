//! The whole service as its users meet it: the built binary, over HTTP and on the command line.
//!
//! Each test has a data directory and, on PostgreSQL, a database of its own. `DOORBOOK_TEST_POSTGRES` names the server to
//! make it on; `cargo xtask test` starts one.

#[cfg(test)]
#[macro_use]
mod support;

#[cfg(test)]
mod admin;
#[cfg(test)]
mod article;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod by_mail;
#[cfg(test)]
mod cookies;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod enumeration;
#[cfg(test)]
mod erase;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod house;
#[cfg(test)]
mod import;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod parked;
#[cfg(test)]
mod passwords;
#[cfg(test)]
mod proof;
#[cfg(test)]
mod races;
#[cfg(test)]
mod rebuild;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod session_limit;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod slow;
#[cfg(test)]
mod social;
#[cfg(test)]
mod tabs;
#[cfg(test)]
mod throttle;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod webhooks;
