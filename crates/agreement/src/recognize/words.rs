//! The words of a text that count: without case, marks, wrapping, Markdown or copyright lines.

/// A paragraph of more lines than this is text, even where a line of it begins with "Copyright".
const LINES_OF_A_NOTICE: usize = 4;

/// The words of a text, in order.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for paragraph in lines.split(|line| line.trim().is_empty()) {
        let short = paragraph.len() <= LINES_OF_A_NOTICE;
        for line in paragraph.iter().filter(|line| !(short && names_an_owner(line))) {
            split(line, &mut words);
        }
    }
    words
}

/// Whether a line names who owns the copyright, which differs from copy to copy.
fn names_an_owner(line: &str) -> bool {
    let line =
        line.trim_start_matches(|letter: char| !letter.is_alphanumeric() && letter != '©').to_lowercase();
    let Some(rest) = line.strip_prefix("copyright").or_else(|| line.strip_prefix('©')) else { return false };
    let year = rest.split(|letter: char| !letter.is_ascii_digit()).any(|digits| digits.len() == 4);
    year || ["(c)", "©", "[yyyy]", "<year>", "[year]"].iter().any(|mark| rest.contains(mark))
}

/// Adds the words of a line; what stands in a Markdown link's parentheses is left out.
fn split(line: &str, words: &mut Vec<String>) {
    let mut word = String::new();
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
            continue;
        }
        if matches!(letter, '\'' | '’' | '\u{200b}' | '\u{feff}' | '\u{ad}') {
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if letter == ']' && letters.peek() == Some(&'(') {
            for skipped in letters.by_ref() {
                if skipped == ')' {
                    break;
                }
            }
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
}
