use uuid::Uuid;

use super::*;

const ADA: UserId = UserId(Uuid::from_u128(1));
const BOB: UserId = UserId(Uuid::from_u128(2));

fn devices() -> Devices {
    Devices::new(&[1; 32])
}

fn claim(name: &str) -> ClaimId {
    ClaimId(format!("email-{name}").into())
}

fn ada() -> ClaimId {
    claim("ada")
}

#[test]
fn browser_is_known_for_whom_it_was_written_and_for_nobody_else() {
    let devices = devices();
    let browser = Devices::read(&devices.write(None, &ada(), ADA, 3)).unwrap();
    assert!(devices.knows(&browser, ADA, 3) && devices.hints_at(&browser, &ada()));
    assert!(!devices.knows(&browser, BOB, 3) && !devices.hints_at(&browser, &claim("bob")));
    let others = Devices::new(&[2; 32]);
    assert!(!others.knows(&browser, ADA, 3) && !others.hints_at(&browser, &ada()));
}

#[test]
fn risen_epoch_makes_strangers_of_all_but_the_browser_that_is_carried_over() {
    let devices = devices();
    let browser = Devices::read(&devices.write(None, &ada(), ADA, 3)).unwrap();
    assert!(!devices.knows(&browser, ADA, 4));
    assert!(!devices.knows(&browser, ADA, 2));
    let carried = devices.carry_over(&browser, ADA, 4).unwrap();
    let carried = Devices::read(&carried).unwrap();
    assert!(devices.knows(&carried, ADA, 4) && devices.hints_at(&carried, &ada()));
    assert!(!devices.knows(&carried, ADA, 3));
    assert_eq!(devices.carry_over(&browser, ADA, 5), None, "it missed an epoch");
    assert_eq!(devices.carry_over(&browser, BOB, 4), None);
}

#[test]
fn users_of_one_browser_do_not_push_each_other_out_until_there_are_six() {
    let devices = devices();
    let user = |number| UserId(Uuid::from_u128(number));
    let name = |number: u128| claim(&number.to_string());
    let mut browser = None;
    for number in 1..=6 {
        browser = Devices::read(&devices.write(browser.as_ref(), &name(number), user(number), 0));
    }
    let browser = browser.unwrap();
    assert!(!devices.knows(&browser, user(1), 0) && !devices.hints_at(&browser, &name(1)));
    assert!((2..=6).all(|number| devices.knows(&browser, user(number), 0)));
    let again = Devices::read(&devices.write(Some(&browser), &name(2), user(2), 0)).unwrap();
    assert_eq!(again.id, browser.id);
    assert!((2..=6).all(|number| devices.knows(&again, user(number), 0) && devices.hints_at(&again, &name(number))));
}

#[test]
fn new_epoch_of_a_user_takes_the_place_of_the_old_one() {
    let devices = devices();
    let mut browser = Devices::read(&devices.write(None, &claim("bob"), BOB, 0));
    for epoch in 0..9 {
        browser = Devices::read(&devices.write(browser.as_ref(), &ada(), ADA, epoch));
    }
    let browser = browser.unwrap();
    assert_eq!(browser.entries.len(), 2);
    assert!(devices.knows(&browser, BOB, 0) && devices.knows(&browser, ADA, 8));
}

#[test]
fn cookie_is_short_and_names_nobody() {
    let devices = devices();
    let cookie = devices.write(None, &ada(), ADA, 0);
    assert_eq!(cookie.0.len(), 54);
    let bytes = URL_SAFE_NO_PAD.decode(&cookie.0).unwrap();
    assert!(!bytes.windows(16).any(|part| part == ADA.0.as_bytes()));
    let other = devices.write(None, &ada(), ADA, 0);
    let (one, other) = (Devices::read(&cookie).unwrap(), Devices::read(&other).unwrap());
    assert!(one.entries[0].hint != other.entries[0].hint && one.entries[0].tag != other.entries[0].tag);
}

#[test]
fn tag_of_another_browser_and_every_changed_character_are_worth_nothing() {
    let devices = devices();
    let write = || devices.write(None, &ada(), ADA, 0);
    let (one, other) = (Devices::read(&write()).unwrap(), Devices::read(&write()).unwrap());
    let mixed = Device {
        id: one.id,
        entries: other.entries,
    };
    assert!(!devices.knows(&mixed, ADA, 0) && !devices.hints_at(&mixed, &ada()));
    let cookie = write().0;
    for at in 0..cookie.len() {
        let mut forged = cookie.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = DeviceCookie(String::from_utf8(forged).unwrap());
        let known = Devices::read(&forged)
            .is_some_and(|device| devices.hints_at(&device, &ada()) && devices.knows(&device, ADA, 0));
        assert!(!known, "character {at}");
    }
}

#[test]
fn what_has_not_the_form_is_no_device() {
    let whole = devices().write(None, &ada(), ADA, 0).0;
    let long = "A".repeat(4000);
    for wrong in [
        "",
        "A",
        &whole[..22],
        &whole[1..],
        &format!("{whole}="),
        &format!("{whole}AA"),
        &long,
    ] {
        assert_eq!(Devices::read(&DeviceCookie(wrong.to_owned())), None, "{wrong}");
    }
}
