use super::*;

#[test]
fn role_is_read_as_it_is_shown_and_stored() {
    for role in Role::ALL {
        assert_eq!(role.to_string().parse(), Ok(role));
        assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
    }
}

#[test]
fn other_text_names_no_role() {
    for text in ["", "Admin", "admin ", "root"] {
        assert_eq!(text.parse::<Role>(), Err(InvalidRole));
    }
}

#[test]
fn set_has_what_was_put_in_and_not_taken_out() {
    let none = Roles::default();
    assert!(none.is_empty());
    let admin = none.with(Role::Admin).with(Role::Admin);
    assert!(admin.contains(Role::Admin) && !admin.contains(Role::Auditor));
    assert!(!admin.is_empty());
    assert_eq!(admin.without(Role::Auditor), admin);
    assert_eq!(admin.without(Role::Admin), none);
}

#[test]
fn set_is_stored_as_a_list_in_one_order() {
    let both = Roles::from(vec![Role::Admin, Role::Auditor, Role::Admin]);
    assert_eq!(both.iter().collect::<Vec<_>>(), Role::ALL);
    let stored = serde_json::to_string(&both).unwrap();
    assert_eq!(stored, r#"["auditor","admin"]"#);
    assert_eq!(serde_json::from_str::<Roles>(&stored).unwrap(), both);
}
