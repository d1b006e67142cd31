use uuid::Uuid;

use super::*;

const KEY: CsrfKey = CsrfKey::new([7; 32]);
const ADA: Option<SessionId> = Some(SessionId(Uuid::from_u128(1)));
const BOB: Option<SessionId> = Some(SessionId(Uuid::from_u128(2)));

#[test]
fn token_fits_only_where_it_was_made_for() {
    for made_for in [None, ADA, BOB] {
        let token = KEY.token(made_for, [1; 32]);
        for used_in in [None, ADA, BOB] {
            assert_eq!(KEY.fits(used_in, token.as_bytes()), made_for == used_in);
        }
    }
}

#[test]
fn token_of_another_key_does_not_fit() {
    let token = CsrfKey::new([8; 32]).token(ADA, [1; 32]);
    assert!(!KEY.fits(ADA, token.as_bytes()));
}

#[test]
fn altered_token_does_not_fit() {
    let token = KEY.token(None, [1; 32]);
    for at in 0..token.len() {
        let mut altered = token.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        assert!(!KEY.fits(None, &altered), "byte {at}");
    }
}

#[test]
fn short_long_and_foreign_texts_do_not_fit() {
    let token = KEY.token(None, [1; 32]);
    let long = format!("{token}AAAA");
    for text in ["", "A", "ä", "null", "undefined", &token[..43], long.as_str()] {
        assert!(!KEY.fits(None, text.as_bytes()), "{text:?}");
    }
}
