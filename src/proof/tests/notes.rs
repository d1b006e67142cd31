//! Notes and checkpoints, against the example of Go's `golang.org/x/mod/sumdb/note`, which defined the form.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use doorbook_domain::time::Timestamp;
use uuid::Uuid;

use crate::{
    keys::Secret,
    proof::{
        TreeHash,
        checkpoint::{Checkpoint, name_of, origin_of},
        note::{InvalidNote, NoteKey, NoteSigner},
    },
};

const NAME: &str = "PeterNeumann";
const SEED: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const SIGNATURE: &str = "\u{2014} PeterNeumann \
    x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn peter() -> NoteSigner {
    let bytes = BASE64_STANDARD.decode(SEED).unwrap();
    NoteSigner::new(NAME, &Secret::new(bytes[1..].try_into().unwrap()))
}

fn signer(byte: u8) -> NoteSigner {
    NoteSigner::new("doorbook/test", &Secret::new([byte; 32]))
}

#[test]
fn published_note_and_key_come_out_byte_for_byte() {
    let note = peter().sign(TEXT);
    assert_eq!(note, format!("{TEXT}\n{SIGNATURE}"));
    assert_eq!(peter().public().to_string(), KEY);
    let key: NoteKey = KEY.parse().unwrap();
    assert_eq!(key, peter().public());
    assert_eq!(key.open(&note), Ok(TEXT));
}

#[test]
fn bare_public_key_opens_what_it_signed_under_any_name() {
    let key: NoteKey = BASE64_STANDARD.encode(peter().public().bytes()).parse().unwrap();
    assert_eq!(key.open(&peter().sign(TEXT)), Ok(TEXT));
    for wrong in ["", "PeterNeumann", &KEY.replace("c74f", "c74e"), &KEY[..40]] {
        assert!(wrong.parse::<NoteKey>().is_err(), "{wrong}");
    }
}

#[test]
fn signatures_of_others_are_passed_over_and_do_not_count() {
    let (key, note) = (signer(1).public(), signer(1).sign("a\n"));
    let witness = signer(2).sign("a\n");
    let line = witness.lines().last().unwrap();
    assert_eq!(key.open(&format!("{note}{line}\n")), Ok("a\n"));
    assert_eq!(key.open(&witness), Err(InvalidNote::Unsigned));
}

#[test]
fn altered_note_is_not_believed() {
    let (key, note) = (signer(1).public(), signer(1).sign("size 7\n"));
    assert_eq!(key.open(&note.replace('7', "8")), Err(InvalidNote::Forged));
    for malformed in [
        "",
        "size 7\n",
        note.trim_end(),
        &note.replace('7', "\r"),
        &format!("{note}more\n"),
    ] {
        assert_eq!(key.open(malformed), Err(InvalidNote::Malformed), "{malformed:?}");
    }
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        origin: name_of(Uuid::nil()),
        size: 20_852_163,
        root: TreeHash::leaf(b"root"),
        at: Timestamp::from_micros(1_795_435_200_000_001),
    }
}

#[test]
fn checkpoint_has_one_text_and_is_read_back() {
    let text = checkpoint().to_string();
    let root = TreeHash::leaf(b"root").to_string();
    let lines: Vec<&str> = text.lines().collect();
    let instant = "2026-11-23T12:00:00.000001Z";
    assert_eq!(
        lines,
        [
            "doorbook/00000000-0000-0000-0000-000000000000",
            "20852163",
            &root,
            instant
        ]
    );
    let key = signer(1).public();
    assert_eq!(Checkpoint::open(&signer(1).sign(&text), &key), Ok(checkpoint()));
    let others = [
        text.replace("20852163", "020852163"),
        text.replace("20852163", "-1"),
        text.replace(".000001Z", ".000001+00:00"),
        text.replace(&root, "AAAA"),
        format!("{text}more\n"),
        "\n1\n".to_owned(),
    ];
    for other in others {
        assert_eq!(
            Checkpoint::open(&signer(1).sign(&other), &key),
            Err(InvalidNote::Malformed),
            "{other}"
        );
    }
}

#[test]
fn checkpoint_tells_its_log_also_after_a_restore() {
    let log = Uuid::from_u128(7);
    assert!(!checkpoint().is_of(log));
    assert!(checkpoint().is_of(Uuid::nil()));
    let restored = Checkpoint {
        origin: origin_of(log, Timestamp::from_micros(0)),
        ..checkpoint()
    };
    assert!(restored.is_of(log));
    let longer = Checkpoint {
        origin: format!("{}0", name_of(log)),
        ..checkpoint()
    };
    assert!(!longer.is_of(log));
}
