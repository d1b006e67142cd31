//! What a character is, as far as typed text is judged by it.

/// Whether it shows nothing by itself: Unicode's `Default_Ignorable_Code_Point`, and the bidirectional marks among them.
///
/// Such characters would let one text be spelled in many ways that look the same.
pub(crate) const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// Whether it changes the direction of what follows beyond its own place: embeddings, overrides and isolates of UAX #9.
pub(crate) const fn turns_direction(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Whether it breaks a line: U+2028 and U+2029. The other line breaks are controls.
pub(crate) const fn breaks_line(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}')
}
