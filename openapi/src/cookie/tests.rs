use super::*;

type Found = Result<Option<&'static [u8]>, Twice>;

fn headers(lines: &[&[u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(COOKIE, HeaderValue::from_bytes(line).unwrap());
    }
    headers
}

#[test]
fn cookies_are_read_byte_for_byte() {
    let table: &[(&[&[u8]], Found)] = &[
        (&[], Ok(None)),
        (&[b""], Ok(None)),
        (&[b"sessionid=a"], Ok(Some(b"a"))),
        (&[b"x=1; sessionid=a; y=2"], Ok(Some(b"a"))),
        (&[b"x=1;sessionid=a;y=2"], Ok(Some(b"a"))),
        (&[b"x=1", b"sessionid=a"], Ok(Some(b"a"))),
        (&[b"sessionid="], Ok(Some(b""))),
        (&[b"sessionid=a=b"], Ok(Some(b"a=b"))),
        (&[b"sessionid=\"a\""], Ok(Some(b"\"a\""))),
        (&[b"sessionid=%61"], Ok(Some(b"%61"))),
        (&[b"sessionid"], Ok(None)),
        (&[b"session%69d=a"], Ok(None)),
        (&[b"SESSIONID=a"], Ok(None)),
        (&[b"xsessionid=a"], Ok(None)),
        (&[b"sessionid =a"], Ok(None)),
        (&[b"name=J\xf6rg; sessionid=a"], Ok(Some(b"a"))),
        (&[b"name=\xc3\xa4\xff", b"sessionid=a; z=\xe2\x82\xac"], Ok(Some(b"a"))),
        (&[b"sessionid=a; sessionid=a"], Err(Twice)),
        (&[b"sessionid=a", b"sessionid=b"], Err(Twice)),
        (&[b"sessionid=; sessionid=b"], Err(Twice)),
    ];
    for (lines, expected) in table {
        assert_eq!(find(&headers(lines), "sessionid"), *expected, "{lines:?}");
    }
}

#[test]
fn encoded_prefix_is_another_name() {
    let headers = headers(&[b"%5F%5FHost-sessionid=planted"]);
    assert_eq!(find(&headers, "__Host-sessionid"), Ok(None));
}

#[test]
fn attributes_are_those_of_the_contract() {
    let https = Attributes {
        http_only: true,
        secure: true,
    };
    let plain = Attributes {
        http_only: false,
        secure: false,
    };
    let lines = [
        (
            https.set("a", "b", Some(60)),
            "a=b; Max-Age=60; Path=/; SameSite=Lax; HttpOnly; Secure",
        ),
        (https.set("a", "b", None), "a=b; Path=/; SameSite=Lax; HttpOnly; Secure"),
        (plain.set("a", "b", None), "a=b; Path=/; SameSite=Lax"),
        (
            plain.remove("a"),
            "a=; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax",
        ),
    ];
    for (header, expected) in lines {
        assert_eq!(header, expected);
    }
}
