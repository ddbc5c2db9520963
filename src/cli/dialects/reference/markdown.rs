//! Pieces of Markdown whose texts come from elsewhere.

/// A text as code; what would end a cell of a table or the code is kept from doing so.
pub(super) fn code(text: &str) -> String {
    let text = one_line(text).replace('|', r"\|");
    if text.contains('`') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}

/// A text as running text of a cell.
pub(super) fn prose(text: &str) -> String {
    one_line(text).replace('|', r"\|").replace('<', "&lt;")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A table; columns in which every cell is empty are left out.
pub(super) fn table<const N: usize>(
    titles: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let rows: Vec<[String; N]> = rows.into_iter().collect();
    let is_used: Vec<bool> = (0..N)
        .map(|column| {
            rows.iter()
                .any(|row| row.get(column).is_some_and(|cell| !cell.is_empty()))
        })
        .collect();
    let line = |cells: Vec<&str>| -> String {
        let used = cells.into_iter().zip(&is_used).filter(|(_, used)| **used);
        let cells: Vec<&str> = used.map(|(cell, _)| cell).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut out = line(titles.to_vec());
    out.push_str(&line(vec!["---"; N]));
    for row in &rows {
        out.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_cell() {
        assert_eq!(code("a|b\nc"), r"`a\|b c`");
        assert_eq!(code("`a`"), "`` `a` ``");
        assert_eq!(prose("a|b <c>"), r"a\|b &lt;c>");
    }

    #[test]
    fn a_column_without_a_cell_is_left_out() {
        let cell = |text: &str| text.to_owned();
        let rows = [
            [cell("1"), cell(""), cell("2")],
            [cell("3"), cell(""), cell("")],
        ];
        assert_eq!(
            table(["a", "b", "c"], rows),
            "| a | c |\n| --- | --- |\n| 1 | 2 |\n| 3 |  |\n"
        );
    }
}
