//! What linking asks of the session that wants it.

use doorbook_domain::id::LinkId;
use doorbook_openapi::social::{Intent, Social as _, Start};

use super::*;

#[tokio::test]
async fn linking_continuing_and_unlinking_need_a_proof_of_the_last_five_minutes() {
    let provider = [
        ("social.idp.kind", "oidc"),
        ("social.idp.issuer", "https://idp.example.org"),
        ("social.idp.client_id", "doorbook"),
    ];
    let bed = Bed::with_settings(false, None, &provider).await;
    bed.sign_up(ADA).await;
    let fresh = bed.log_in(ADA, PASSWORD).await.unwrap().session;
    let stale = LiveSession {
        authenticated_at: fresh.authenticated_at.minus(Duration::from_mins(5)),
        ..fresh.clone()
    };
    let link = LinkId(ids::uuid_v4());
    let start = Start {
        provider: "idp".to_owned(),
        intent: Intent::Link,
        return_to: None,
        to_server: false,
        browser: None,
        session: Some(stale.clone()),
    };
    let refused = [
        bed.service.start_social(start, &origin()).await.err(),
        bed.service.continue_social(&stale, "idp", None, &origin()).await.err(),
        bed.service.unlink_social(&stale, link, &origin()).await.err(),
    ];
    for refusal in refused {
        assert!(
            matches!(refusal, Some(Refusal::ReauthenticationRequired)),
            "{refusal:?}"
        );
    }
    // With one, the answer is about the matter.
    let unknown = bed.service.unlink_social(&fresh, link, &origin()).await.err();
    assert!(matches!(unknown, Some(Refusal::NotFound)), "{unknown:?}");
}
