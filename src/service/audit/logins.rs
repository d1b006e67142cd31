//! Searching logins. Indices find candidates; what is sealed decides.

use std::net::IpAddr;

use doorbook_domain::{
    claim::ClaimEvent, email::EmailAddress, event::Event, id::UserId, seal::ClaimId, time::Timestamp, user::User,
};
use doorbook_openapi::{
    app::{LiveSession, Origin, Page, PageRequest, Refusal},
    audit::{LoginFilter, LoginRecord},
};
use doorbook_projections::{
    cursor::Cursor,
    fault::Fault,
    keyring::Place,
    login_history::{self, Address, Filter, Holder, LoginRow, Outcome},
    sessions, users,
};

use super::records::{Opened, People};
use crate::service::{
    Service,
    lists::{one_more, start},
};

/// Candidates that are opened at once where their seals decide, at most: so many only when fewer were in vain, since a key is
/// fetched for each.
const CANDIDATES: u32 = 256;
/// Candidates that are opened for one page: then it ends, short as it may be.
const MOST: usize = 4096;
/// Spans in which one address was held that are looked at, latest first.
const SPANS: usize = 16;
/// Of them, those of one user: what is older is taken together, so that nobody hides logins by changing to and fro.
const SPANS_OF_ONE: usize = 4;

/// What is looked for: what indices know, and what only seals tell.
pub(super) struct Search {
    filter: Filter,
    ip: Option<IpAddr>,
}

impl Service {
    pub(super) async fn find_logins(
        &self,
        reader: &LiveSession,
        filter: &LoginFilter,
        page: &PageRequest,
        origin: &Origin,
    ) -> Result<Page<LoginRecord>, Refusal> {
        let after = start(page)?;
        self.history_has_all().await?;
        let wish = self.login_wish(filter).page(page);
        self.note_reading(reader, "searchLogins", wish, origin).await?;
        let search = self.search_for(filter).await?;
        let (mut found, more) = self.matching(&search, after, one_more(page)).await?;
        let limit = usize::from(page.limit);
        let next = match more {
            More::Yes(next) => Some(next),
            More::No if found.len() > limit => found.get(limit.saturating_sub(1)).map(|last| last.row.cursor()),
            More::No => None,
        };
        found.truncate(limit);
        Ok(Page {
            items: self.records(found, &mut People::default()).await?,
            next_cursor: next.map(|cursor| cursor.to_string()),
        })
    }

    /// What an auditor is told must not lack anything: a projection that somebody has paused is not asked.
    pub(super) async fn history_has_all(&self) -> Result<(), Refusal> {
        for name in [login_history::NAME, sessions::NAME, users::NAME] {
            self.has_all(name).await?;
        }
        Ok(())
    }

    /// At least `want` rows that fit, unless there are fewer, or so many candidates do not fit that the rest has to wait.
    async fn matching(&self, search: &Search, mut after: Cursor, want: u32) -> Result<(Vec<Opened>, More), Fault> {
        let wanted = usize::try_from(want).unwrap_or(usize::MAX);
        let (mut found, mut seen, mut batch) = (Vec::new(), 0, want);
        loop {
            let (rows, next) = self.candidates(search, &after, batch).await?;
            seen += rows.len();
            found.extend(self.fitting(search, rows).await?);
            match next {
                Some(next) if found.len() < wanted => after = next,
                Some(_) | None => return Ok((found, More::No)),
            }
            if seen >= MOST {
                return Ok((found, More::Yes(after)));
            }
            batch = batch.saturating_mul(2).min(CANDIDATES.max(want));
        }
    }

    /// The next candidates, at most `batch` of them, and where to go on if there may be more.
    pub(super) async fn candidates(
        &self,
        search: &Search,
        after: &Cursor,
        batch: u32,
    ) -> Result<(Vec<LoginRow>, Option<Cursor>), Fault> {
        let rows = login_history::search(&self.engine.reads(), &search.filter, after, batch).await?;
        let at_end = rows.len() < usize::try_from(batch).unwrap_or(usize::MAX);
        let last = rows.last().filter(|_| !at_end).map(LoginRow::cursor);
        Ok((rows, last))
    }

    /// Opens candidates, and keeps those that fit.
    pub(super) async fn fitting(&self, search: &Search, rows: Vec<LoginRow>) -> Result<Vec<Opened>, Fault> {
        let mut found = Vec::with_capacity(rows.len());
        for opened in self.open_rows(rows).await? {
            if self.fits(search, &opened).await? {
                found.push(opened);
            }
        }
        Ok(found)
    }

    async fn fits(&self, search: &Search, opened: &Opened) -> Result<bool, Fault> {
        if let Some(ip) = search.ip {
            let from = opened.whence.ip.as_deref().and_then(|from| from.parse().ok());
            if from != Some(ip) {
                return Ok(false);
            }
        }
        let (Some(address), Outcome::Failure { email, .. }) = (&search.filter.address, &opened.row.outcome) else {
            return Ok(true);
        };
        let place = Place {
            stream: opened.row.stream(),
            event_type: opened.row.event_type(),
            field: "email",
        };
        let typed = self.seals.open(email, &place).await?;
        Ok(typed.is_some_and(|typed| self.claim_as_typed(&typed) == address.claim))
    }

    /// The claim of an address as a login would look for it.
    pub(super) fn claim_as_typed(&self, typed: &str) -> ClaimId {
        let parsed = EmailAddress::parse(typed);
        let canonical = parsed.as_ref().map_or(typed, EmailAddress::canonical);
        self.keyring.claim("email", canonical)
    }

    pub(super) async fn search_for(&self, wish: &LoginFilter) -> Result<Search, Refusal> {
        let address = match &wish.email {
            Some(typed) => Some(self.held_address(self.claim_as_typed(typed)).await?),
            None => None,
        };
        let ip = wish.ip.map(|ip| ip.to_canonical());
        // Of months that were forgotten not even the bucket answers.
        let since = match ip {
            Some(_) => self.addresses_known_since().await?.or(Some(self.clock.now())),
            None => None,
        };
        Ok(Search {
            filter: Filter {
                user: wish.user,
                address,
                ip_bucket: ip.map(|ip| self.keyring.ip_bucket(ip)),
                outcome: wish.outcome,
                method: wish.method.clone(),
                provider: wish.provider.clone(),
                reason: wish.reason.clone(),
                from: wish.from.max(since),
                to: wish.to,
            },
            ip,
        })
    }

    /// Who held an address, and when. Who was erased is not named: nobody finds them by it.
    async fn held_address(&self, claim: ClaimId) -> Result<Address, Fault> {
        let mut held: Vec<Holder> = Vec::new();
        for recorded in self.store.log().stream("claim", &claim.0, 0).await? {
            match recorded.event() {
                Ok(Event::Claim(ClaimEvent::Taken { user_id, at })) => held.push(Holder {
                    user: user_id,
                    from: at,
                    to: Timestamp::from_micros(i64::MAX),
                }),
                Ok(Event::Claim(ClaimEvent::Released { at, .. })) => {
                    if let Some(last) = held.last_mut() {
                        last.to = at;
                    }
                }
                Ok(_) | Err(_) => {}
            }
        }
        let mut holders = Vec::new();
        for holder in latest(&held) {
            if !self.is_erased(holder.user).await? {
                holders.push(holder);
            }
        }
        Ok(Address { claim, holders })
    }

    async fn is_erased(&self, user: UserId) -> Result<bool, Fault> {
        Ok(self.store.load::<User>(&user.to_string()).await?.aggregate.is_erased())
    }
}

/// The spans that are looked at, latest first.
fn latest(held: &[Holder]) -> Vec<Holder> {
    let mut spans: Vec<Holder> = Vec::new();
    for holder in held.iter().rev() {
        let mut own = spans.iter_mut().filter(|span| span.user == holder.user);
        if let Some(oldest) = own.nth(SPANS_OF_ONE - 1) {
            oldest.from = holder.from;
        } else if spans.len() < SPANS {
            spans.push(*holder);
        }
    }
    spans
}

/// Whether there are more candidates than were opened.
enum More {
    Yes(Cursor),
    No,
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn held(user: u128, from: i64) -> Holder {
        Holder {
            user: UserId(Uuid::from_u128(user)),
            from: Timestamp::from_micros(from),
            to: Timestamp::from_micros(from + 1),
        }
    }

    #[test]
    fn who_changes_an_address_to_and_fro_hides_nobody() {
        let mut all = vec![held(1, 0), held(2, 10)];
        all.extend((0..40).map(|turn| held(3, 20 + 10 * turn)));
        let spans = latest(&all);
        let of = |span: &Holder| (span.user.0.as_u128(), span.from.micros(), span.to.micros());
        let found: Vec<_> = spans.iter().map(of).collect();
        assert_eq!(
            found,
            [
                (3, 410, 411),
                (3, 400, 401),
                (3, 390, 391),
                (3, 20, 381),
                (2, 10, 11),
                (1, 0, 1)
            ]
        );
        let many: Vec<_> = (0..40).map(|user| held(user, 0)).collect();
        assert_eq!(latest(&many).len(), SPANS);
    }
}
