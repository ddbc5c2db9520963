//! Templates of paths: their segments, and which raw paths they fit.

/// One segment of a path template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// Must be equal, byte for byte. The last one is empty where a path ends with a slash.
    Literal(String),
    /// Any text that is not empty.
    Capture(String),
}

/// Parses `/a/{b}/c`, or with a slash at the end `/a/{b}/c/`, which is another path.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse_template(text: &str) -> Result<Vec<Segment>, String> {
    let rest = text.strip_prefix('/').ok_or("a path starts with `/`")?;
    let (rest, slash) = match rest.strip_suffix('/') {
        Some(rest) => (rest, Some(Segment::Literal(String::new()))),
        None => (rest, None),
    };
    let segments = rest.split('/').map(segment);
    let segments: Vec<Segment> = segments.chain(slash.map(Ok)).collect::<Result<_, _>>()?;
    for (index, segment) in segments.iter().enumerate() {
        let is_capture = matches!(segment, Segment::Capture(_));
        if is_capture
            && segments
                .iter()
                .skip(index + 1)
                .any(|other| other == segment)
        {
            return Err(format!("`{text}` has one capture twice"));
        }
    }
    Ok(segments)
}

fn segment(text: &str) -> Result<Segment, String> {
    if let Some(name) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
        if name.is_empty() || name.contains(['{', '}']) {
            return Err(format!("`{text}` is no capture"));
        }
        return Ok(Segment::Capture(name.to_owned()));
    }
    if text.is_empty() || text.contains(['{', '}', '%', '?', '#']) {
        return Err(format!("`{text}` is no path segment"));
    }
    Ok(Segment::Literal(text.to_owned()))
}

/// Which segments are captures. Of two templates that fit a path, the lesser has a literal where they
/// first differ.
pub(super) fn rank(template: &[Segment]) -> Vec<bool> {
    let is_capture = |segment: &Segment| matches!(segment, Segment::Capture(_));
    template.iter().map(is_capture).collect()
}

/// Whether two templates have literals at the same places, and the same ones.
pub(super) fn same_path(x: &[Segment], y: &[Segment]) -> bool {
    let same_segment = |pair: (&Segment, &Segment)| match pair {
        (Segment::Literal(x), Segment::Literal(y)) => x == y,
        (Segment::Capture(_), Segment::Capture(_)) => true,
        _ => false,
    };
    x.len() == y.len() && x.iter().zip(y).all(same_segment)
}

/// Whether a raw path has the literal segments of a template.
pub(super) fn fits(template: &[Segment], path: &str) -> bool {
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
    let fit = template.iter().all(|segment| match segments.next() {
        Some(text) => match segment {
            Segment::Literal(literal) => literal == text,
            Segment::Capture(_) => !text.is_empty(),
        },
        None => false,
    });
    fit && segments.next().is_none()
}

pub(super) fn captured<'p>(
    template: &'p [Segment],
    path: &'p str,
) -> impl Iterator<Item = (&'p str, &'p str)> {
    let segments = path.strip_prefix('/').unwrap_or(path).split('/');
    template
        .iter()
        .zip(segments)
        .filter_map(|(segment, text)| match segment {
            Segment::Capture(name) => Some((name.as_str(), text)),
            Segment::Literal(_) => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_hold_literals_and_captures() {
        let template = parse_template("/a/{b}/c").unwrap();
        let found: Vec<_> = captured(&template, "/a/x%2Fy/c").collect();
        assert!(fits(&template, "/a/x%2Fy/c") && !fits(&template, "/a/x/d"));
        assert!(!fits(&template, "/a/x") && !fits(&template, "/a/x/c/d"));
        assert_eq!(found, [("b", "x%2Fy")]);
        let slash = parse_template("/a/{b}/").unwrap();
        assert!(fits(&slash, "/a/x/") && !fits(&slash, "/a/x") && !fits(&slash, "/a//"));
        assert!(!fits(&slash, "/a/x//") && !fits(&template, "/a/x/c/"));
        assert!(parse_template("a").is_err() && parse_template("/a//b").is_err());
        assert!(parse_template("/").is_err() && parse_template("/a//").is_err());
        assert!(parse_template("/a/{b}/{b}").is_err());
        assert!(parse_template("/a/{}").is_err() && parse_template("/a%20b").is_err());
    }
}
