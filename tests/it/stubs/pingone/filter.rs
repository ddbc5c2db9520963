//! PingOne's filters of users: the part of SCIM's language that clients of linked accounts use.

use serde_json::Value;

use super::User;

/// A filter: alternatives of comparisons that must all hold.
pub(super) struct Filter(Vec<Vec<Comparison>>);

struct Comparison {
    attribute: String,
    begins: bool,
    value: String,
}

const ATTRIBUTES: [&str; 5] = [
    "username",
    "email",
    "externalId",
    "name.given",
    "name.family",
];

impl Filter {
    /// Reads a filter; `None` if it is none that the vendor knows.
    pub(super) fn read(text: &str) -> Option<Self> {
        let tokens = tokens(text)?;
        let mut tokens = tokens.iter();
        let mut alternatives = vec![Vec::new()];
        loop {
            let [attribute, operator, value] = [tokens.next()?, tokens.next()?, tokens.next()?];
            let attribute = ATTRIBUTES
                .iter()
                .find(|a| a.eq_ignore_ascii_case(&attribute.0))?;
            let begins = match operator.0.to_ascii_lowercase().as_str() {
                "eq" => false,
                "sw" => true,
                _ => return None,
            };
            if !value.1 {
                return None;
            }
            let comparison = Comparison {
                attribute: (*attribute).to_owned(),
                begins,
                value: value.0.to_lowercase(),
            };
            alternatives.last_mut()?.push(comparison);
            match tokens.next() {
                None => return Some(Self(alternatives)),
                Some((word, false)) if word.eq_ignore_ascii_case("and") => {}
                Some((word, false)) if word.eq_ignore_ascii_case("or") => {
                    alternatives.push(Vec::new())
                }
                Some(_) => return None,
            }
        }
    }

    /// Whether a user is meant.
    pub(super) fn fits(&self, _id: &str, user: &User) -> bool {
        let Self(alternatives) = self;
        alternatives
            .iter()
            .any(|all| all.iter().all(|one| one.fits(user)))
    }
}

impl Comparison {
    fn fits(&self, user: &User) -> bool {
        let mut steps = self.attribute.split('.');
        let first = steps.next().and_then(|name| user.document.get(name));
        let value = steps.fold(first, |value, name| value?.get(name));
        let Some(value) = value.and_then(Value::as_str) else {
            return false;
        };
        let value = value.to_lowercase();
        match self.begins {
            true => value.starts_with(&self.value),
            false => value == self.value,
        }
    }
}

/// Words and quoted texts; the latter are marked.
fn tokens(text: &str) -> Option<Vec<(String, bool)>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (value, after) = unquoted(quoted)?;
            found.push((value, true));
            rest = after.trim_start();
        } else {
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            found.push((word.to_owned(), false));
            rest = after.trim_start();
        }
    }
    Some(found)
}

fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            other => value.push(other),
        }
    }
    None
}
