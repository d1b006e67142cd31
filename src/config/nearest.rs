//! "Did you mean".

/// The name that `word` was probably meant to be: at most a third of its letters away.
pub(crate) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, name) = names.map(|name| (distance(word, name), name)).min()?;
    (distance * 3 <= word.chars().count()).then_some(name)
}

/// Levenshtein's distance: fewest letters to insert, delete or replace.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut above_left = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (other, &above) in to.iter().zip(row.iter().skip(1)) {
            left = (above + 1)
                .min(left + 1)
                .min(above_left + usize::from(*other != letter));
            above_left = above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn distance_counts_letters() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }

    #[test]
    fn nearest_is_silent_about_what_is_far_away() {
        let names = ["http.listen", "data.dir"];
        assert_eq!(nearest("http.lisen", names.into_iter()), Some("http.listen"));
        assert_eq!(nearest("colour", names.into_iter()), None);
    }
}
