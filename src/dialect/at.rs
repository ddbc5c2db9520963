//! Where in a document something stands, put into words only when there is a problem to tell.

/// A place below another place.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    above: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    /// A dotted path, or nothing.
    Path(&'a str),
    /// An element of an array.
    Index(usize),
}

impl<'a> At<'a> {
    /// The place that a path or a name says; empty for the whole of a document.
    pub(super) fn path(path: &'a str) -> Self {
        Self {
            above: None,
            step: Step::Path(path),
        }
    }

    /// The place `path` below this one.
    pub(super) fn below(&'a self, path: &'a str) -> Self {
        Self {
            above: Some(self),
            step: Step::Path(path),
        }
    }

    /// The element `index` of the array at this place.
    pub(super) fn element(&'a self, index: usize) -> Self {
        Self {
            above: Some(self),
            step: Step::Index(index),
        }
    }

    /// The place as problems name it: `a.b[0].c`.
    pub(super) fn text(&self) -> String {
        let mut text = self.above.map_or_else(String::new, At::text);
        match self.step {
            Step::Path("") => {}
            Step::Path(path) => {
                if !text.is_empty() && !path.starts_with('[') {
                    text.push('.');
                }
                text.push_str(path);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_worded_as_paths() {
        let root = At::path("");
        let list = root.below("a.b");
        let element = list.element(3);
        assert_eq!(root.text(), "");
        assert_eq!(element.below("").text(), "a.b[3]");
        assert_eq!(element.below("c").text(), "a.b[3].c");
        assert_eq!(list.below("[0].x").text(), "a.b[0].x");
    }
}
