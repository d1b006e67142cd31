use std::{fmt::Write as _, iter};

/// How long lists are, up to the longest.
const LENGTHS: [usize; 6] = [1, 10, 50, 100, 200, LONGEST];
const LONGEST: usize = 400;

/// Many values for `column in (…)`, in lists of few lengths, filled up with NULL, each with its parameters `$1, $2, …`: a
/// database that has seen a statement need not plan it again.
pub fn lists<T: Clone>(values: &[T]) -> impl Iterator<Item = (String, Vec<Option<T>>)> {
    values.chunks(LONGEST).map(|values| {
        let length = LENGTHS.into_iter().find(|length| *length >= values.len());
        let filled = values.iter().cloned().map(Some).chain(iter::repeat(None));
        let list: Vec<Option<T>> = filled.take(length.unwrap_or(LONGEST)).collect();
        (parameters(list.len()), list)
    })
}

fn parameters(count: usize) -> String {
    let mut text = String::with_capacity(count * 6);
    for number in 1..=count {
        let comma = if number > 1 { ", " } else { "" };
        write!(text, "{comma}${number}").unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_few_lengths_and_every_value_once() {
        let values: Vec<usize> = (0..955).collect();
        for count in [0, 1, 2, 10, 11, 399, 400, 401, 955] {
            let values = &values[..count];
            let mut found = Vec::new();
            for (parameters, list) in lists(values) {
                assert!(LENGTHS.contains(&list.len()), "{count}: {}", list.len());
                assert_eq!(parameters.split(", ").count(), list.len());
                assert!(parameters.ends_with(&format!("${}", list.len())));
                found.extend(list.into_iter().flatten());
            }
            assert_eq!(found, values);
        }
    }
}
