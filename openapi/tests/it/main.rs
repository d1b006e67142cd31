//! The contract over HTTP, with a stand-in for the service.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod cookies;
#[cfg(test)]
mod csrf;
#[cfg(test)]
mod document;
#[cfg(test)]
mod events;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod headers;
#[cfg(test)]
mod mailbox;
#[cfg(test)]
mod origins;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod social;
#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod support;
#[cfg(test)]
mod users;
