//! Exports, while the reader's rights change.

use doorbook_domain::{
    role::Role,
    user::{GrantRole, RevokeRole},
};
use doorbook_openapi::{
    app::PageRequest,
    audit::{Audit as _, EventFilter, LoginBatches, LoginFilter},
};
use doorbook_projections::{login_history, sessions, trail, users};
use tokio_util::sync::CancellationToken;

use super::*;

/// A service whose read models follow, and an auditor.
async fn bed() -> (Bed, LiveSession) {
    let bed = Bed::new().await;
    let engine = bed.service.engine.clone();
    tokio::spawn(async move { engine.run(CancellationToken::new()).await });
    bed.sign_up(ADA).await;
    let plain = bed.log_in(ADA, PASSWORD).await.unwrap().session;
    change(
        &bed,
        plain.user,
        UserCommand::GrantRole(GrantRole {
            role: Role::Auditor,
            at: bed.service.clock.now(),
        }),
    )
    .await;
    let session = bed.log_in(ADA, PASSWORD).await.unwrap().session;
    (bed, session)
}

async fn change(bed: &Bed, user: UserId, command: UserCommand) {
    let metadata = metadata_of("cli", bed.service.clock.now());
    bed.service.command_user(user, command, &metadata).await.unwrap();
}

async fn export(bed: &Bed, reader: &LiveSession) -> Result<usize, Fault> {
    let filter = LoginFilter::default();
    let batches = bed.service.export_logins(reader, filter, "ndjson", &origin()).await;
    let (mut batches, mut rows) = (batches.unwrap(), 0);
    while let Some(batch) = batches.next().await? {
        rows += batch.len();
    }
    Ok(rows)
}

async fn ends(bed: &Bed) -> Vec<String> {
    loop {
        let ended = bed.events("audit.export_ended").await;
        if !ended.is_empty() {
            return ended.iter().map(|recorded| recorded.payload.to_string()).collect();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn is_end(payload: &str, rows: u64, complete: bool) -> bool {
    let payload: serde_json::Value = serde_json::from_str(payload).unwrap();
    let ended = &payload["export_ended"];
    ended["rows"] == rows && ended["complete"] == complete
}

#[tokio::test]
async fn export_hands_out_all_and_says_so() {
    let (bed, reader) = bed().await;
    assert_eq!(export(&bed, &reader).await.unwrap(), 2);
    let ended = ends(&bed).await;
    assert!(is_end(&ended[0], 2, true), "{ended:?}");
}

#[tokio::test]
async fn export_breaks_off_when_the_role_goes() {
    let (bed, reader) = bed().await;
    let at = bed.service.clock.now();
    change(
        &bed,
        reader.user,
        UserCommand::RevokeRole(RevokeRole {
            role: Role::Auditor,
            at,
        }),
    )
    .await;
    assert!(export(&bed, &reader).await.is_err(), "the file does not look whole");
    let ended = ends(&bed).await;
    assert!(is_end(&ended[0], 0, false), "{ended:?}");
}

#[tokio::test]
async fn export_breaks_off_when_the_session_ends() {
    let (bed, reader) = bed().await;
    bed.service.log_out(reader.id, &origin()).await.unwrap();
    assert!(export(&bed, &reader).await.is_err());
}

/// Reads on, and says which addresses there were.
async fn addresses(mut batches: Box<dyn LoginBatches>) -> Result<Vec<Option<String>>, Fault> {
    let mut found = Vec::new();
    while let Some(batch) = batches.next().await? {
        found.extend(batch.into_iter().map(|record| record.email));
    }
    Ok(found)
}

#[tokio::test]
async fn export_forgets_who_is_erased_while_it_is_under_way() {
    const BOB: &str = "bob@example.org";
    let (bed, reader) = bed().await;
    bed.sign_up(BOB).await;
    let mut bobs = Vec::new();
    for _ in 0..12 {
        bobs.push(bed.log_in(BOB, PASSWORD).await.unwrap().session);
    }
    let patience = Duration::from_mins(1);
    let mut batches = bed.service.export_row_by_row(&reader, &origin(), patience).await;
    let first = batches.next().await.unwrap().unwrap();
    assert_eq!(first[0].email.as_deref(), Some(BOB));
    bed.service.erase_me(&bobs[11], &origin()).await.unwrap();
    // A look at the session is good for half a second.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let rest = addresses(batches).await.unwrap();
    let named = rest.iter().flatten().filter(|email| *email == BOB).count();
    // Two batches wait, and one is about to.
    assert!(named <= 3, "{rest:?}");
    assert_eq!(
        rest.iter().flatten().filter(|email| *email == "[erased]").count(),
        11 - named
    );
}

#[tokio::test]
async fn export_whose_reader_takes_too_long_is_broken_off_and_does_not_look_whole() {
    let (bed, reader) = bed().await;
    for _ in 0..8 {
        bed.log_in(ADA, PASSWORD).await.unwrap();
    }
    let patience = Duration::from_millis(100);
    let batches = bed.service.export_row_by_row(&reader, &origin(), patience).await;
    let ended = ends(&bed).await;
    assert!(is_end(&ended[0], 2, false), "{ended:?}");
    assert!(addresses(batches).await.is_err());
}

#[tokio::test]
async fn files_on_their_way_to_one_user_are_two() {
    let (bed, reader) = bed().await;
    let wish = || LoginFilter::default();
    let held = [(); 2].map(|()| bed.service.tabs.place_for_export(reader.id, reader.user).unwrap());
    let refused = bed.service.export_logins(&reader, wish(), "csv", &origin()).await;
    assert!(matches!(refused.err(), Some(Refusal::Throttled(_))));
    assert_eq!(bed.events("audit.read").await, []);
    drop(held);
    for _ in 0..3 {
        assert_eq!(export(&bed, &reader).await.unwrap(), 2);
        let free = async || bed.service.tabs.place_for_export(reader.id, reader.user).is_ok();
        while !free().await {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn book_tells_nothing_rather_than_too_little_while_a_projection_is_paused() {
    let (bed, reader) = bed().await;
    let (service, from) = (&bed.service, origin());
    let page = || PageRequest {
        cursor: None,
        limit: 10,
    };
    for name in [login_history::NAME, sessions::NAME, users::NAME, trail::NAME] {
        service.engine.pause(name).await.unwrap();
        bed.log_in(ADA, PASSWORD).await.unwrap();
        let at = service.clock.now();
        let asked = [
            (
                service
                    .search_logins(&reader, LoginFilter::default(), page(), &from)
                    .await
                    .map(drop),
                name != trail::NAME,
            ),
            (
                service
                    .export_logins(&reader, LoginFilter::default(), "csv", &from)
                    .await
                    .map(drop),
                name != trail::NAME,
            ),
            (
                service.sessions_as_of(&reader, at, None, page(), &from).await.map(drop),
                [sessions::NAME, users::NAME].contains(&name),
            ),
            (
                service
                    .search_events(&reader, EventFilter::default(), page(), &from)
                    .await
                    .map(drop),
                name == trail::NAME,
            ),
        ];
        for (number, (answer, needs_it)) in asked.into_iter().enumerate() {
            let refused = matches!(answer, Err(Refusal::Busy(_)));
            assert_eq!(refused, needs_it, "{number} without {name}: {answer:?}");
        }
        service.engine.resume(name).await.unwrap();
        service.has_all(name).await.unwrap();
    }
}

#[tokio::test]
async fn address_that_was_typed_into_any_filter_is_not_kept() {
    let (bed, reader) = bed().await;
    let typed = || Some("Eve@example.org".to_owned());
    let page = || PageRequest { cursor: None, limit: 1 };
    let events = EventFilter {
        event_type: typed(),
        actor: typed(),
        ..EventFilter::default()
    };
    let streams = EventFilter {
        stream: typed(),
        ..EventFilter::default()
    };
    for filter in [events, streams] {
        bed.service
            .search_events(&reader, filter, page(), &origin())
            .await
            .unwrap();
    }
    let logins = LoginFilter {
        email: typed(),
        method: typed(),
        provider: typed(),
        reason: typed(),
        ..LoginFilter::default()
    };
    bed.service
        .search_logins(&reader, logins, page(), &origin())
        .await
        .unwrap();
    let read = bed.events("audit.read").await;
    assert_eq!(read.len(), 3);
    for recorded in read {
        let fields = bed.service.opened_fields(&recorded).await.unwrap();
        let filters = fields["filters"].to_string().to_lowercase();
        assert!(filters.contains("\"email-") && !filters.contains("eve"), "{filters}");
    }
}

#[tokio::test]
async fn export_needs_a_recent_proof() {
    let (bed, reader) = bed().await;
    let long_ago = reader.authenticated_at.minus(Duration::from_mins(6));
    let reader = LiveSession {
        authenticated_at: long_ago,
        ..reader
    };
    let refused = bed
        .service
        .export_logins(&reader, LoginFilter::default(), "csv", &origin())
        .await;
    assert!(matches!(refused.err(), Some(Refusal::ReauthenticationRequired)));
    assert_eq!(bed.events("audit.read").await, []);
}

/// Both in one /64, and so in one bucket.
const SOUGHT: &str = "2001:db8:7::1";
const NEIGHBOUR: &str = "2001:db8:7::2";

#[tokio::test]
async fn login_behind_many_of_its_bucket_is_found_and_opens_nobody_else() {
    let (bed, reader) = bed().await;
    bed.sign_up("bob@example.org").await;
    for (email, ip, logins) in [(ADA, SOUGHT, 2), ("bob@example.org", NEIGHBOUR, 25), (ADA, SOUGHT, 2)] {
        for _ in 0..logins {
            let wish = LogIn {
                email: email.to_owned(),
                password: Secret(PASSWORD.to_owned()),
                remember: true,
                replaces: None,
            };
            let whence = Origin {
                ip: ip.parse().ok(),
                ..origin()
            };
            bed.service.log_in(wish, &whence).await.unwrap();
        }
    }
    let filter = LoginFilter {
        ip: SOUGHT.parse().ok(),
        ..LoginFilter::default()
    };
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest {
            cursor: cursor.take(),
            limit: 3,
        };
        let page = bed
            .service
            .search_logins(&reader, filter.clone(), page, &origin())
            .await;
        let page = page.unwrap();
        found.extend(page.items.into_iter().map(|record| record.email));
        let Some(next) = page.next_cursor else { break };
        cursor = Some(next);
    }
    let adas = vec![Some(ADA.to_owned()); 4];
    assert_eq!(found, adas);
    let batches = bed.service.export_logins(&reader, filter, "ndjson", &origin()).await;
    assert_eq!(addresses(batches.unwrap()).await.unwrap(), adas);
}
