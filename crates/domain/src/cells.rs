//! Cells of tables for spreadsheets: none is taken for a formula, and nothing is lost on the way there and back.

/// What a spreadsheet takes for the start of a formula (OWASP, "CSV Injection"), and what marks that it is none.
const MARKED: [char; 7] = ['=', '+', '-', '@', '\t', '\r', MARK];
/// What a spreadsheet takes for the mark of a text.
const MARK: char = '\'';
/// Where a cell may begin inside of ours: spreadsheets of many countries separate by semicolons, whatever is quoted.
const SEPARATORS: [char; 4] = [';', '\t', '\n', '\r'];

/// A cell as it is written: an apostrophe stands before whatever would begin a formula, or begins with one.
pub fn marked(cell: &str) -> String {
    let mut written = String::with_capacity(cell.len());
    let mut may_begin = true;
    for character in cell.chars() {
        if may_begin && MARKED.contains(&character) {
            written.push(MARK);
        }
        written.push(character);
        may_begin = SEPARATORS.contains(&character);
    }
    written
}

/// A cell as it was before it was written. What was never marked stays as it is, so files of others are read alike.
pub fn unmarked(cell: &str) -> String {
    let mut read = String::with_capacity(cell.len());
    let mut characters = cell.chars().peekable();
    let mut may_begin = true;
    while let Some(mut character) = characters.next() {
        if may_begin && character == MARK {
            character = characters.next_if(|next| MARKED.contains(next)).unwrap_or(character);
        }
        read.push(character);
        may_begin = SEPARATORS.contains(&character);
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_cell_is_a_formula_whatever_the_spreadsheet_separates_by() {
        for (cell, expected) in [
            ("=1+1", "'=1+1"),
            ("+49 30", "'+49 30"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t'=1"),
            ("\r=1", "'\r'=1"),
            ("x;=HYPERLINK(A1)", "x;'=HYPERLINK(A1)"),
            ("x\n@y", "x\n'@y"),
            ("'quoted", "''quoted"),
            ("1=1-1", "1=1-1"),
            ("it's", "it's"),
        ] {
            assert_eq!(marked(cell), expected, "{cell:?}");
            assert_eq!(unmarked(expected), cell, "{expected:?}");
        }
    }

    #[test]
    fn what_nobody_marked_is_read_as_it_stands() {
        for cell in ["", "plain", "'plain", "=1+1", "-5", "'", "it's; 'fine'"] {
            assert_eq!(unmarked(cell), cell);
        }
    }

    proptest! {
        #[test]
        fn every_cell_comes_back_and_begins_no_formula(cell in "[-=+@'; \t\r\na]{0,12}|.{0,20}") {
            let written = marked(&cell);
            prop_assert_eq!(unmarked(&written), cell);
            for part in written.split(SEPARATORS) {
                prop_assert!(!part.starts_with(['=', '+', '-', '@']), "{:?}", written);
            }
        }
    }
}
