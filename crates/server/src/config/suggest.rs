//! Guessing what was meant by a misspelt word.

/// The word of `known` nearest to `word`, unless none is near enough to be what was meant. Case does not count.
pub(crate) fn closest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    let lowered = word.to_lowercase();
    let allowed = (lowered.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter_map(|candidate| {
            let other = candidate.to_lowercase();
            let extended =
                lowered.len() >= 3 && (other.starts_with(&lowered) || lowered.starts_with(&other));
            let distance = edit_distance(&lowered, &other);
            (distance <= allowed || extended).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}

/// How many characters must be inserted, removed, replaced or swapped with their neighbour to turn `a` into `b`.
fn edit_distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before_last[j - 2] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{closest, edit_distance};

    #[test]
    fn counts_edits() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("tiemout", "timeout"), 1);
        assert_eq!(edit_distance("", "abc"), 3);
    }

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["timezone", "start_time", "end_time"];
        assert_eq!(closest("time_zone", known), Some("timezone".to_owned()));
        assert_eq!(closest("START_TIME", known), Some("start_time".to_owned()));
        assert_eq!(closest("colour", known), None);
    }

    #[test]
    fn suggests_a_longer_form() {
        assert_eq!(
            closest("warn", ["WARNING", "ERROR"]),
            Some("WARNING".to_owned())
        );
    }
}
