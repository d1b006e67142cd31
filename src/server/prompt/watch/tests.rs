use super::*;

/// Whether a head ends in the last of these pieces, and in none before.
fn ends(pieces: &[&str]) -> bool {
    let mut head = Head::default();
    let (last, before) = pieces.split_last().unwrap();
    let early = before.iter().any(|piece| head.ends_in(piece.as_bytes()));
    !early && head.ends_in(last.as_bytes())
}

#[test]
fn head_ends_at_its_first_empty_line_however_it_is_cut() {
    for whole in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET / HTTP/1.1\nhost: x\n\n",
        "get / HTTP/1.1\nhost: x\n\r\n",
    ] {
        for cut in 0..whole.len() {
            let (first, rest) = whole.split_at(cut);
            assert!(ends(&[first, rest]), "{whole:?} cut at {cut}");
        }
        assert!(ends(&[&format!("{whole}and a body")]));
        let bytes: Vec<&str> = (0..whole.len()).map(|at| &whole[at..=at]).collect();
        assert!(ends(&bytes), "{whole:?} byte by byte");
    }
}

#[test]
fn what_is_no_whole_head_does_not_end() {
    for piece in [
        "",
        "G",
        "\r\n\r\n\r\n\r\n",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\na: b\r\n",
        "GET / HTTP/1.1\r\n\r",
    ] {
        assert!(!ends(&[piece]), "{piece:?}");
    }
    assert!(
        !ends(&["\r\n\r\n", "\r\n", "GET / HTTP/1.1\r\n"]),
        "empty lines precede a head"
    );
}

fn hear(pieces: &[&str]) -> io::Result<Phase> {
    let mut watch = Watch::new();
    for piece in pieces {
        watch.hears(piece.as_bytes())?;
    }
    Ok(watch.phase)
}

#[tokio::test]
async fn http_2_that_nobody_negotiated_is_refused() {
    for pieces in [&["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"][..], &["P", "RI", " "], &["PRI "]] {
        assert!(hear(pieces).is_err(), "{pieces:?}");
    }
    for pieces in [
        &["GET / HTTP/1.1\r\n\r\n"][..],
        &["PRINT / HTTP/1.1\r\n\r\n"],
        &["P", "OST / HTTP/1.1\r\n\r\n"],
        &["GET / HTTP/1.1\r\n\r\n", "PRI "],
    ] {
        assert_eq!(hear(pieces).unwrap(), Phase::Request, "{pieces:?}");
    }
}

#[tokio::test]
async fn next_head_begins_after_an_answer_and_not_in_a_body() {
    let mut watch = Watch::new();
    watch.hears(b"POST / HTTP/1.1\r\nexpect: 100-continue\r\n\r\n").unwrap();
    watch.says(b"HTTP/1.1 100 Continue\r\n\r\n");
    watch.hears(b"half of a body").unwrap();
    assert_eq!(watch.phase, Phase::Request);
    watch.says(b"HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(watch.phase, Phase::Answered);
    watch.hears(b"GET / HT").unwrap();
    assert!(matches!(watch.phase, Phase::Head(_)));
    watch.hears(b"TP/1.1\r\n\r\n").unwrap();
    assert_eq!(watch.phase, Phase::Request);
}
