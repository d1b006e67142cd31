use proptest::prelude::*;

use super::*;

#[test]
fn sealed_value_names_its_key() {
    assert_eq!(Sealed::new("user-0193:AbC-_").key(), "user-0193");
    assert_eq!(Sealed::new("user-0193:a:b").key(), "user-0193");
    assert_eq!(Sealed::new("nothing").key(), "");
}

#[test]
fn sealed_value_is_stored_as_it_is_and_shown_by_its_key() {
    let value = Sealed::new("user-0193:AbC-_");
    assert_eq!(serde_json::to_string(&value).unwrap(), r#""user-0193:AbC-_""#);
    assert_eq!(value.as_str(), "user-0193:AbC-_");
    assert_eq!(format!("{value:?}"), "Sealed(user-0193)");
}

#[test]
fn hash_of_a_secret_is_never_shown() {
    assert_eq!(format!("{:?}", SecretHash([7; 32])), "SecretHash(…)");
}

#[test]
fn text_that_is_no_hash_is_refused_without_being_named() {
    for text in [
        String::new(),
        "ab".repeat(31),
        "ab".repeat(33),
        "a".repeat(63),
        "AB".repeat(32),
        "zz".repeat(32),
        "é".repeat(32),
    ] {
        let error = serde_json::from_value::<SecretHash>(text.clone().into()).unwrap_err();
        assert!(text.is_empty() || !error.to_string().contains(&text), "{error}");
    }
}

proptest! {
    #[test]
    fn hash_is_stored_in_64_digits_and_read_back(bytes: [u8; 32]) {
        let stored = serde_json::to_string(&SecretHash(bytes)).unwrap();
        prop_assert_eq!(stored.len(), 66);
        prop_assert!(stored.trim_matches('"').bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')));
        prop_assert_eq!(serde_json::from_str::<SecretHash>(&stored).unwrap(), SecretHash(bytes));
        prop_assert_eq!(serde_json::from_value::<SecretHash>(serde_json::from_str(&stored).unwrap()).unwrap(), SecretHash(bytes));
    }
}
