//! The nearest of some names, for whoever mistyped one.

/// Returns the name that `given` most likely stands for: one slip of the keyboard for every three letters may lie
/// between them; none if no name is so near.
pub(crate) fn nearest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase().replace('-', "_");
    let slips = |name: &str| strsim::osa_distance(&given, &name.to_lowercase().replace('-', "_"));
    names
        .into_iter()
        .map(|name| (slips(name), name))
        .filter(|(slips, name)| slips * 3 <= name.chars().count().max(given.chars().count()))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, name)| name)
}

/// Returns `did you mean ...?`, or, where no name is near, all names after `otherwise`.
pub(crate) fn help(given: &str, names: &[&str], otherwise: &str) -> String {
    match nearest(given, names.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("{otherwise} {}", list(names)),
    }
}

/// Returns names in backticks, with commas.
pub(crate) fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
