//! A page of the documentation as text for a terminal.

/// Width where there is no terminal, and the greatest width: longer lines are hard to read.
const MAX_COLUMNS: usize = 88;
/// How far examples are indented.
const INDENT: &str = "    ";

/// The text of a page in Markdown: paragraphs are filled to the width, examples are indented, and links are their words.
pub fn text(page: &str, columns: Option<usize>) -> String {
    let columns = columns.map_or(MAX_COLUMNS, |columns| columns.clamp(20, MAX_COLUMNS));
    let mut out = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            if info.ends_with(" wrong") {
                out.push_str("Wrong:\n\n");
            }
            for line in lines.by_ref().take_while(|line| *line != "```") {
                out.push_str(if line.is_empty() { "" } else { INDENT });
                out.push_str(line);
                out.push('\n');
            }
        } else if let Some(title) = line.strip_prefix("# ") {
            out.push_str(&filled(title, columns));
            out.push_str(&"=".repeat(title.chars().count().min(columns)));
            out.push('\n');
        } else if line.starts_with('|') {
            let rows: Vec<_> = lines.clone().take_while(|line| line.starts_with('|')).collect();
            out.push_str(&table(std::iter::once(line).chain(rows.iter().copied())));
            rows.iter().for_each(|_| _ = lines.next());
        } else if line.is_empty() {
            out.push('\n');
        } else {
            // A paragraph is written in one line or in several.
            let mut paragraph = line.to_owned();
            let rest: Vec<_> = lines.clone().take_while(|line| !line.is_empty() && !line.starts_with("```")).collect();
            for line in &rest {
                paragraph.push(' ');
                paragraph.push_str(line);
            }
            for _ in &rest {
                lines.next();
            }
            out.push_str(&filled(&without_links(&paragraph), columns));
        }
    }
    out
}

/// The rows of a table, indented, with their first cells equally wide.
fn table<'l>(rows: impl Iterator<Item = &'l str>) -> String {
    let cells = rows.filter_map(|row| row.trim_matches(['|', ' ']).split_once(" | "));
    let cells: Vec<_> = cells.filter(|(first, _)| !first.starts_with("---")).collect();
    let width = cells.iter().map(|(first, _)| first.chars().count()).max().unwrap_or_default();
    cells.iter().map(|(first, rest)| format!("{INDENT}{first:width$}   {}\n", rest.replace(" | ", "   "))).collect()
}

/// A paragraph in lines of at most this width, unless a word is longer.
fn filled(paragraph: &str, columns: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in paragraph.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > columns {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
    out
}

/// A text with the words of each link in its place.
fn without_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        let parts = link.split_once("](").and_then(|(words, after)| Some((words, after.split_once(')')?.1)));
        out.push_str(before);
        match parts {
            Some((words, after)) if !words.contains('[') => {
                out.push_str(words);
                rest = after;
            }
            _ => {
                out.push('[');
                rest = link;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_filled_to_the_width() {
        let page = "# T: title\n\nSome words, [a link](other.md), `[hours]` and more.\n\n```twite wrong\na b c d e f g h i j k l m n o\n\nb\n```\n\nThe\nend.\n\n| a | b |\n| --- | --- |\n| `cc` | d |\n";
        let expected = "T: title\n========\n\nSome words, a link,\n`[hours]` and more.\n\nWrong:\n\n    a b c d e f g h i j k l m n o\n\n    b\n\nThe end.\n\n    a      b\n    `cc`   d\n";
        assert_eq!(text(page, Some(20)), expected);
    }
}
