use crate::audit::LoginRecord;

const COLUMNS: &str = "id,at,outcome,reason,failures,since,method,provider,user_id,email,name,ip,city,country,user_agent,client_kind,\
    client_browser,client_version,client_os,session_id,ended_at,end_reason,ended_by,duration_seconds\r\n";

/// The line that names the columns.
pub(super) const fn head() -> &'static str {
    COLUMNS
}

/// A line as in RFC 4180. There is no byte order mark: programs take it for a part of the first name.
pub(super) fn row(row: &LoginRecord, out: &mut Vec<u8>) {
    let client = row.client.as_ref();
    let cells = [
        Some(row.id.clone()),
        Some(row.at.0.to_string()),
        Some(row.outcome.clone()),
        row.reason.clone(),
        row.failures.map(|value| value.to_string()),
        row.since.as_ref().map(|since| since.0.to_string()),
        Some(row.method.clone()),
        row.provider.clone(),
        row.user_id.map(|value| value.to_string()),
        row.email.clone(),
        row.name.clone(),
        row.ip.clone(),
        row.city.clone(),
        row.country.clone(),
        row.user_agent.clone(),
        client.map(|client| client.kind.clone()),
        client.and_then(|client| client.browser.clone()),
        client.and_then(|client| client.version.clone()),
        client.and_then(|client| client.os.clone()),
        row.session_id.map(|value| value.to_string()),
        row.ended_at.as_ref().map(|ended| ended.0.to_string()),
        row.end_reason.clone(),
        row.ended_by.map(|value| value.to_string()),
        row.duration_seconds.map(|value| value.to_string()),
    ];
    for (number, text) in cells.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        if let Some(text) = text {
            cell(text, out);
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// A text in quotes, in which nothing is a formula (OWASP, "CSV Injection"): an apostrophe stands before every character
/// that could begin one, at the start of the cell and wherever a program that takes another character for the separator
/// would see a start.
pub(super) fn cell(text: &str, out: &mut Vec<u8>) {
    let mut at_start = true;
    out.push(b'"');
    if text.starts_with(['\t', '\r', '\n']) {
        out.push(b'\'');
    }
    for character in text.chars() {
        if at_start && begins_formula(character) {
            out.push(b'\'');
        }
        match character {
            '"' => out.extend_from_slice(b"\"\""),
            // A NUL ends the text for some programs.
            '\0' => out.extend_from_slice("\u{fffd}".as_bytes()),
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        at_start = is_separator(character) || (at_start && is_unseen(character));
    }
    out.push(b'"');
}

const fn begins_formula(character: char) -> bool {
    matches!(
        character,
        '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '﹦' | '﹢' | '﹣' | '﹫' | '−'
    )
}

const fn is_separator(character: char) -> bool {
    matches!(character, ',' | ';' | '|' | '\t' | '\r' | '\n' | '"' | '\'')
}

/// What a program may trim, or nobody sees: spaces, controls, marks of direction.
fn is_unseen(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
