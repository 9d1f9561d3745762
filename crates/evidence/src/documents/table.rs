//! Facts as rows of Markdown tables: `| name | value |`.

/// A text as a cell of a table.
pub fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace('\\', "\\\\").replace('|', "\\|")
}

/// A row of two cells.
pub fn row(name: &str, value: &str) -> String {
    format!("| {} | {} |", cell(name), cell(value))
}

/// The rows of two cells of a text, as they were before [`row`].
pub(super) fn read(text: &str) -> Vec<(String, String)> {
    text.lines().filter_map(two_cells).collect()
}

fn two_cells(line: &str) -> Option<(String, String)> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let mut cells = vec![String::new()];
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '|' => cells.push(String::new()),
            '\\' => cells.last_mut()?.extend(letters.next()),
            other => cells.last_mut()?.push(other),
        }
    }
    let cells: [String; 2] = cells.try_into().ok()?;
    Some(cells.map(|cell| cell.trim().to_owned()).into())
}
