use uuid::Uuid;

use super::*;

const ADA: UserId = UserId(Uuid::from_u128(1));
const EVE: UserId = UserId(Uuid::from_u128(2));

fn policy(link: LinkPolicy) -> Policy {
    Policy { link, sign_up: true }
}

fn holder(user: UserId) -> Holder {
    Holder {
        user,
        active: true,
        proven: true,
        linked: false,
    }
}

/// Somebody whom nobody knows, with an address that the provider has verified.
fn stranger() -> Arrival {
    Arrival {
        admitted: true,
        identity: None,
        address: true,
        account: None,
        same_mailbox: true,
    }
}

const EVERY: [LinkPolicy; 3] = [LinkPolicy::Ask, LinkPolicy::Always, LinkPolicy::Never];

#[test]
fn known_identity_logs_in_whatever_its_address_is_now() {
    for link in EVERY {
        for (address, account) in [(false, None), (true, None), (true, Some(holder(EVE)))] {
            let arrival = Arrival {
                identity: Some(holder(ADA)),
                address,
                account,
                ..stranger()
            };
            assert_eq!(admit(policy(link), &arrival), Ok(Admission::LogIn(ADA)));
        }
    }
}

#[test]
fn known_identity_of_an_inactive_user_does_not_log_in() {
    let arrival = Arrival {
        identity: Some(Holder {
            active: false,
            ..holder(ADA)
        }),
        ..stranger()
    };
    assert_eq!(
        admit(policy(LinkPolicy::Always), &arrival),
        Err(AdmissionError::Inactive)
    );
}

#[test]
fn stranger_with_a_verified_address_signs_up() {
    assert_eq!(admit(policy(LinkPolicy::Ask), &stranger()), Ok(Admission::SignUp));
}

#[test]
fn stranger_does_not_sign_up_while_that_is_closed_and_known_people_log_in() {
    let closed = Policy {
        sign_up: false,
        ..policy(LinkPolicy::Ask)
    };
    assert_eq!(admit(closed, &stranger()), Err(AdmissionError::Closed));
    let known = Arrival {
        identity: Some(holder(ADA)),
        ..stranger()
    };
    assert_eq!(admit(closed, &known), Ok(Admission::LogIn(ADA)));
}

#[test]
fn stranger_without_a_verified_address_neither_signs_up_nor_links() {
    for link in EVERY {
        let arrival = Arrival {
            address: false,
            ..stranger()
        };
        assert_eq!(admit(policy(link), &arrival), Err(AdmissionError::AddressNeeded));
    }
}

#[test]
fn verified_address_of_a_proven_account_links_by_policy_only() {
    let arrival = Arrival {
        account: Some(holder(ADA)),
        ..stranger()
    };
    assert_eq!(
        admit(policy(LinkPolicy::Ask), &arrival),
        Err(AdmissionError::ProofNeeded(ADA))
    );
    assert_eq!(admit(policy(LinkPolicy::Always), &arrival), Ok(Admission::Link(ADA)));
    assert_eq!(
        admit(policy(LinkPolicy::Never), &arrival),
        Err(AdmissionError::AddressTaken)
    );
}

#[test]
fn owner_of_an_address_takes_over_what_nobody_has_proven() {
    for link in EVERY {
        for linked in [false, true] {
            let account = Some(Holder {
                proven: false,
                linked,
                ..holder(EVE)
            });
            let arrival = Arrival { account, ..stranger() };
            assert_eq!(admit(policy(link), &arrival), Ok(Admission::TakeOver(EVE)));
        }
    }
}

#[test]
fn inactive_account_is_neither_linked_nor_taken_over() {
    for proven in [false, true] {
        let account = Some(Holder {
            active: false,
            proven,
            ..holder(ADA)
        });
        let arrival = Arrival { account, ..stranger() };
        assert_eq!(
            admit(policy(LinkPolicy::Always), &arrival),
            Err(AdmissionError::Inactive)
        );
    }
}

#[test]
fn link_that_a_crash_interrupted_is_finished_under_every_policy() {
    for link in EVERY {
        let account = Some(Holder {
            linked: true,
            ..holder(ADA)
        });
        let arrival = Arrival { account, ..stranger() };
        assert_eq!(admit(policy(link), &arrival), Ok(Admission::Link(ADA)));
    }
}

#[test]
fn identity_that_is_not_admitted_does_not_come_in_even_when_known() {
    for identity in [None, Some(holder(ADA))] {
        let arrival = Arrival {
            admitted: false,
            identity,
            ..stranger()
        };
        assert_eq!(
            admit(policy(LinkPolicy::Always), &arrival),
            Err(AdmissionError::NotAdmitted)
        );
    }
}

#[test]
fn address_in_another_spelling_links_and_takes_over_nothing_without_a_proof() {
    for proven in [true, false] {
        for link in [LinkPolicy::Always, LinkPolicy::Ask] {
            let arrival = Arrival {
                account: Some(Holder { proven, ..holder(ADA) }),
                same_mailbox: false,
                ..stranger()
            };
            assert_eq!(admit(policy(link), &arrival), Err(AdmissionError::ProofNeeded(ADA)));
        }
    }
}
