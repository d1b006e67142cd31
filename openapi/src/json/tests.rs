use super::*;

#[test]
fn json_is_read_as_it_stands() {
    let text = r#"{"a": [1, -2, 2.5, true, null, "x\u00e9"], "b": {"c": {}}}"#;
    assert_eq!(
        parse(text.as_bytes()).unwrap(),
        serde_json::from_str::<Value>(text).unwrap()
    );
}

#[test]
fn what_readers_disagree_about_is_refused() {
    let table: &[&[u8]] = &[
        b"",
        b"{",
        b"{} {}",
        b"{'a': 1}",
        b"{\"a\": 1,}",
        b"{\"a\": 1, \"a\": 1}",
        b"{\"a\": 1, \"\\u0061\": 2}",
        b"{\"a\": {\"b\": [{\"c\": 1, \"c\": 2}]}}",
        b"{\"a\": \"\\u0000\"}",
        b"{\"\\u0000\": 1}",
        b"{\"a\": \"\\ud800\"}",
        b"{\"a\": \"\\udc00\\ud800\"}",
        b"{\"a\": \"\xff\"}",
        b"{\"a\": \"\xed\xa0\x80\"}",
        b"{\"a\": \"\x01\"}",
        b"{\"a\": 1e999}",
        b"{\"a\": NaN}",
        b"\xef\xbb\xbf{}",
    ];
    for text in table {
        assert!(parse(text).is_err(), "{}", String::from_utf8_lossy(text));
    }
    assert!(parse("[".repeat(100_000).as_bytes()).is_err(), "deep nesting");
}

#[test]
fn texts_are_escaped() {
    for text in [
        "",
        "plain",
        "\"",
        "\\",
        "a\"b\\c\n\r\t\u{1}z",
        "Zoë 🚪 \u{2028}",
        "</script>",
    ] {
        let mut out = Vec::new();
        push_text(&mut out, text);
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }
}

#[test]
fn instants_are_written_as_they_show_themselves() {
    let year = 31_556_952_000_000_i64;
    let day = 86_400_000_000_i64;
    let mut instants: Vec<i64> = (-900..900).map(|step| step * day * 17 + step * 1_234_567).collect();
    instants.extend([
        0,
        -1,
        1,
        951_782_400_000_000,
        1_709_164_800_000_000,
        4_107_542_399_999_999,
    ]);
    instants.extend((-100..8200).step_by(37).map(|years| years * year));
    instants.extend([i64::MAX, i64::MIN, 250_000 * year]);
    for micros in instants {
        let instant = Timestamp::from_micros(micros);
        let mut out = Vec::new();
        push_instant(&mut out, instant);
        assert_eq!(out, format!("\"{instant}\"").into_bytes(), "{micros}");
    }
}
