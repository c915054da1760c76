//! What a Markdown text links to, and what can be linked to in it.

use std::collections::BTreeSet;

/// The targets of a Markdown text's links, outside of its code blocks.
pub(super) fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (begin, line) in prose(text) {
        for (at, _) in line.match_indices("](") {
            let target = &line[at + 2..];
            let target = &target[..target.find([')', ' ']).unwrap_or(target.len())];
            found.push((begin + at, target));
        }
        let definition = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        found.extend(definition.map(|(_, target)| (begin, target.trim())));
    }
    found
}

/// The lines of a Markdown text that are not in a code block, and where they begin.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let (mut begin, mut in_code) = (0, false);
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let is_fence = line.trim_start().starts_with("```");
        if !is_fence && !in_code {
            lines.push((begin, line.trim_end()));
        }
        in_code ^= is_fence;
        begin += line.len();
    }
    lines
}

/// The headings of a Markdown text, without their marks.
pub(super) fn headings(text: &str) -> Vec<&str> {
    let marked = prose(text).into_iter().filter_map(|(_, line)| {
        let heading = line.trim_start_matches('#');
        (heading.len() < line.len()).then_some(heading.strip_prefix(' ')?.trim())
    });
    marked.collect()
}

/// Whether a heading is that of a section's number: `3. Tokens`, `3 Tokens`, `§3 Tokens`.
pub(super) fn is_section(heading: &str, number: &str) -> bool {
    let heading = heading.trim_start_matches('§');
    heading.strip_prefix(number).is_some_and(|rest| {
        matches!(
            rest.trim_start_matches('.').chars().next(),
            None | Some(' ' | ':')
        )
    })
}

/// The anchors of a Markdown text, as GitHub makes them of its headings, and those of `id="…"`.
pub(super) fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for heading in headings(text) {
        let kept = heading
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let slug: String = kept
            .flat_map(char::to_lowercase)
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let numbered = (1..).map(|number| format!("{slug}-{number}"));
        let mut free = std::iter::once(slug.clone())
            .chain(numbered)
            .filter(|slug| !anchors.contains(slug));
        let free = free.next().unwrap();
        anchors.insert(free);
    }
    let ids = text
        .split("id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    anchors.extend(ids.map(ToOwned::to_owned));
    anchors
}
